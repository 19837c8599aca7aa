// The hot path of publishing, piece by piece, with an event of about 300 bytes.

#include "actors/model/event.hpp"
#include "actors/model/run_machine.hpp"

#include <benchmark/benchmark.h>

#include <memory>
#include <string>

namespace {

using namespace callboard;

const room_key room{{"acme"}, {"p1"}};
constexpr std::int64_t now_ms = 1'767'323'045'678;

/// A log event as a producer sends it.
const auto log_event = std::make_shared<const std::string>(
  R"({"id":"0193f3a2-7c1e-7b2a-9c55-1d2e3f4a5b6c","type":"workflow:execution:event:created",)"
  R"("data":{"execution_id":"0193f3a2-0000-7000-8000-000000000001","project_id":"p1",)"
  R"("event":{"kind":"log","level":"info","message":"Fetched 42 of 128 documents from the source",)"
  R"("metadata":{"batch":7,"took_ms":183.25}}}})");

const auto step_event = std::make_shared<const std::string>(
  R"({"type":"workflow:execution:step:updated","data":{"execution_id":"r1","step_id":"step-17",)"
  R"("changes":{"status":"running","metrics":{"tokens":1234,"cost":0.0125},"phase":"build"}}})");

event_draft draft_of(const shared_bytes& source) {
  auto doc = json::document::parse(*source);
  return *parse_event(doc->root(), source, room.project, {});
}

void set_bytes(benchmark::State& state, const std::string& text) {
  state.SetBytesProcessed(state.iterations()
                          * static_cast<std::int64_t>(text.size()));
}

void read_json(benchmark::State& state) {
  json::document doc;
  for (auto _ : state)
    benchmark::DoNotOptimize(doc.reset(*log_event));
  set_bytes(state, *log_event);
}
BENCHMARK(read_json);

void read_text_json(benchmark::State& state) {
  std::string text = R"({"type":"kb:page","data":{"text":")";
  for (int i = 0; i < 1'000; ++i)
    text += state.range(0) != 0 ? "größere Wörter, 日本語 "
                                : "plain words of ASCII ";
  text += "\"}}";
  json::document doc;
  for (auto _ : state)
    benchmark::DoNotOptimize(doc.reset(text));
  set_bytes(state, text);
}
BENCHMARK(read_text_json)->Arg(0)->Arg(1);

void parse_log_event(benchmark::State& state) {
  json::document doc;
  event_limits limits;
  for (auto _ : state) {
    benchmark::DoNotOptimize(doc.reset(*log_event));
    benchmark::DoNotOptimize(
      parse_event(doc.root(), log_event, room.project, limits));
  }
  set_bytes(state, *log_event);
}
BENCHMARK(parse_log_event);

void decide_log_event(benchmark::State& state) {
  auto draft = draft_of(log_event);
  run_machine machine;
  for (auto _ : state)
    benchmark::DoNotOptimize(machine.decide(draft, room, now_ms));
  set_bytes(state, *log_event);
}
BENCHMARK(decide_log_event);

void decide_step_event(benchmark::State& state) {
  auto draft = draft_of(step_event);
  run_machine machine;
  for (auto _ : state)
    benchmark::DoNotOptimize(machine.decide(draft, room, now_ms));
}
BENCHMARK(decide_step_event);

void write_frame(benchmark::State& state) {
  auto record = make_record(draft_of(log_event), room, now_ms, {});
  for (auto _ : state)
    benchmark::DoNotOptimize(frame_text({123'456}, record.tail));
}
BENCHMARK(write_frame);

void merge_changes(benchmark::State& state) {
  field_map fields;
  (void)fields.merge(
    R"({"name":"n","status":"pending","phase":"a","attempt":1,"metrics":{},"created_at":"2026-01-02T03:04:05.678Z"})");
  for (auto _ : state)
    benchmark::DoNotOptimize(fields.merge(
      R"({"status":"running","metrics":{"tokens":1234,"cost":0.0125},"phase":"build"})"));
}
BENCHMARK(merge_changes);

void know_ids(benchmark::State& state) {
  known_ids ids;
  for (std::int64_t i = 0; i < state.range(0); ++i)
    ids.add("id" + std::to_string(i));
  std::string id = "0193f3a2-7c1e-7b2a-9c55-1d2e3f4a5b6c";
  for (auto _ : state) {
    ++id[3];
    benchmark::DoNotOptimize(ids.maybe_contains(id));
  }
  state.counters["bytes"] = static_cast<double>(ids.memory());
}
BENCHMARK(know_ids)->Arg(50)->Arg(10'000)->Arg(1'000'000);

void make_uuid(benchmark::State& state) {
  for (auto _ : state)
    benchmark::DoNotOptimize(new_uuid7());
}
BENCHMARK(make_uuid);

void append_chunk(benchmark::State& state) {
  std::string text;
  for (auto _ : state)
    append_stream_chunk(
      text,
      R"({"execution_id":"r1","step_id":"s1","chunk":"twenty bytes of text"})",
      64u << 10);
}
BENCHMARK(append_chunk);

} // namespace

BENCHMARK_MAIN();
