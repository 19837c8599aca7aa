// What the state store costs: applying entries, and answering from many runs.
// Besides the mean, *_p99_us are percentiles over single calls.

#include "actors/model/event_record.hpp"
#include "storage/entry.hpp"
#include "storage/shared_memory.hpp"
#include "storage/state_store.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace callboard {
namespace {

constexpr shard_id shard{0};
constexpr std::int64_t start_ms = 1'700'000'000'000;
const room_key room{{"tenant"}, {"project"}};

/// A record as the engine makes it, about 300 bytes, without parsing JSON.
event_record record(event_type type, timeline_kind kind, std::string run,
                    std::string step, std::string_view type_name,
                    std::string_view member, std::string body,
                    std::uint64_t n) {
  event_record x;
  x.type = type;
  x.timeline = kind;
  x.id.value = "018bcfe5-6800-7000-8000-" + std::to_string(100'000'000'000 + n);
  x.run.value = std::move(run);
  x.step.value = std::move(step);
  x.ts_ms = start_ms + static_cast<std::int64_t>(n);
  x.tail = "\"type\":\"";
  x.type_begin = static_cast<std::uint32_t>(x.tail.size());
  x.type_size = static_cast<std::uint32_t>(type_name.size());
  x.tail.append(type_name).append(R"(","room":"project:project","id":")");
  x.tail.append(x.id.value).append(R"(","ts":")").append(iso8601(x.ts_ms));
  x.tail.append(R"(","data":{"execution_id":")").append(x.run.value);
  x.tail.append(R"(","project_id":"project",")").append(member).append("\":");
  x.body_begin = static_cast<std::uint32_t>(x.tail.size());
  x.body_size = static_cast<std::uint32_t>(body.size());
  x.tail.append(body).append("}}");
  return x;
}

event_record log_record(std::string run, std::uint64_t n) {
  return record(event_type::timeline_created, timeline_kind::log,
                std::move(run), {}, "workflow:execution:event:created", "event",
                R"({"kind":"log","level":"info","message":"copied 4096 rows",)"
                R"("id":"018bcfe5","metadata":{"rows":4096,"table":"orders"}})",
                n);
}

event_record step_record(std::string run, std::uint64_t n) {
  return record(event_type::step_updated, timeline_kind::none, std::move(run),
                "step-" + std::to_string(n % 8),
                "workflow:execution:step:updated", "changes",
                R"({"status":"running","name":"load","phase":"extract",)"
                R"("metrics":{"rows":)"
                  + std::to_string(n)
                  + R"(},"started_at":"2026-01-02T03:04:05.678Z"})",
                n);
}

event_record run_record(std::string run, std::uint64_t n) {
  static constexpr const char* statuses[] = {"completed", "failed", "running"};
  return record(event_type::run_updated, timeline_kind::none, std::move(run),
                {}, "workflow:execution:updated", "changes",
                R"({"name":"nightly import of orders","status":")"
                  + std::string{statuses[n % 97 == 0 ? 2 : n % 10 == 0]}
                  + R"(","current_phase":"extract","workflow_definition_id":"d)"
                  + std::to_string(n % 20)
                  + R"(","started_at":"2026-01-02T03:04:05.678Z",)"
                    R"("input":{"source":"orders","since":"2026-01-01"}})",
                n);
}

/// A store in a folder that disappears, and a room that grows.
class bench_store {
public:
  bench_store() {
    auto name
      = (std::filesystem::temp_directory_path() / "state-XXXXXX").string();
    dir_ = ::mkdtemp(name.data());
    auto opened = state_store::open(share_memory({.dir = dir_}), 16);
    if (!opened)
      std::abort();
    store = std::move(*opened);
  }

  ~bench_store() {
    store.reset();
    std::filesystem::remove_all(dir_);
  }

  void add(const event_record& x) {
    entry_.add(room, head = next(head), 1, x);
  }

  void apply() {
    auto payload = entry_.take();
    std::string_view one = payload;
    index_ = next(index_);
    if (!store->apply(shard, index_, std::span{&one, 1}))
      std::abort();
  }

  std::string ask(const query::any& q) const {
    auto answered = store->answer(q, [](auto&) { return shard; });
    if (!answered)
      std::abort();
    return std::move(*answered);
  }

  std::unique_ptr<state_store> store;
  event_seq head;

private:
  std::filesystem::path dir_;
  entry_writer entry_;
  log_index index_;
};

template <class Make>
void apply_batches(benchmark::State& state, Make make) {
  bench_store bench;
  auto batch = static_cast<std::uint64_t>(state.range(0));
  std::uint64_t n = 0;
  for (auto _ : state) {
    state.PauseTiming();
    for (std::uint64_t i = 0; i < batch; ++i, ++n)
      bench.add(make(n));
    state.ResumeTiming();
    bench.apply();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(n));
}

void apply_log_events(benchmark::State& state) {
  apply_batches(state, [](std::uint64_t n) {
    return log_record("run-" + std::to_string(n / 10 % 8), n);
  });
}
BENCHMARK(apply_log_events)->Arg(1)->Arg(100)->Arg(1000);

void apply_step_updates(benchmark::State& state) {
  apply_batches(state, [](std::uint64_t n) {
    return step_record("run-" + std::to_string(n % 8), n);
  });
}
BENCHMARK(apply_step_updates)->Arg(1)->Arg(100)->Arg(1000);

/// Times single calls and reports percentiles of them.
template <class Call>
void percentiles(benchmark::State& state, Call call) {
  std::vector<double> us;
  for (auto _ : state) {
    auto begin = std::chrono::steady_clock::now();
    call();
    us.push_back(std::chrono::duration<double, std::micro>{
      std::chrono::steady_clock::now() - begin}
                   .count());
  }
  std::ranges::sort(us);
  state.counters["p50_us"] = us[us.size() / 2];
  state.counters["p99_us"] = us[us.size() * 99 / 100];
}

/// A million runs (CALLBOARD_BENCH_RUNS: another number), each one event.
bench_store& many_runs() {
  static auto bench = [] {
    auto out = std::make_unique<bench_store>();
    auto text = std::getenv("CALLBOARD_BENCH_RUNS");
    std::uint64_t count = text != nullptr ? std::stoull(text) : 1'000'000;
    for (std::uint64_t n = 0; n < count;) {
      for (int i = 0; i < 500 && n < count; ++i, ++n)
        out->add(run_record(
          "018bcfe5-6800-7000-8000-" + std::to_string(100'000'000'000 + n), n));
      out->apply();
    }
    return out;
  }();
  return *bench;
}

/// Pages from anywhere in the list, as cursors lead there.
void list_page(benchmark::State& state, query::list_runs q) {
  auto& bench = many_runs();
  q.room = room;
  std::vector<std::string> cursors{""};
  for (int i = 0; i < 400; ++i) {
    q.cursor = cursors.back();
    q.limit = 1000;
    auto page = bench.ask(q);
    auto at = page.find("\"next_cursor\":\"");
    if (at == std::string::npos)
      break;
    at += 15;
    cursors.push_back(page.substr(at, page.find('"', at) - at));
  }
  q.limit = 50;
  std::mt19937 random{1};
  std::size_t bytes = 0;
  percentiles(state, [&] {
    q.cursor = cursors[random() % cursors.size()];
    auto page = bench.ask(q);
    bytes = page.size();
    benchmark::DoNotOptimize(page);
  });
  state.counters["bytes"] = static_cast<double>(bytes);
}

void list_all(benchmark::State& state) {
  list_page(state, {});
}
BENCHMARK(list_all)->Unit(benchmark::kMicrosecond);

void list_by_status(benchmark::State& state) {
  query::list_runs q;
  q.statuses = {run_status::running, run_status::failed};
  list_page(state, q);
}
BENCHMARK(list_by_status)->Unit(benchmark::kMicrosecond);

void list_by_definition_and_status(benchmark::State& state) {
  query::list_runs q;
  q.definition = definition_id{"d7"};
  q.statuses = {run_status::running};
  list_page(state, q);
}
BENCHMARK(list_by_definition_and_status)->Unit(benchmark::kMicrosecond);

/// A run of 20 steps and many log events; its detail shows the latest 1,000.
bench_store& one_big_run() {
  static auto bench = [] {
    auto out = std::make_unique<bench_store>();
    for (std::uint64_t n = 0; n < 200'000;) {
      for (int i = 0; i < 500; ++i, ++n)
        out->add(n % 50 == 0 ? step_record("big", n / 50)
                             : log_record(n % 2 ? "big" : "other", n));
      out->apply();
    }
    return out;
  }();
  return *bench;
}

void run_detail(benchmark::State& state) {
  auto& bench = one_big_run();
  percentiles(state, [&] {
    auto text = bench.ask(query::run_detail{room, {"big"}});
    benchmark::DoNotOptimize(text);
  });
}
BENCHMARK(run_detail)->Unit(benchmark::kMicrosecond);

void history_chunks(benchmark::State& state) {
  auto& bench = one_big_run();
  history_request request;
  request.room = room;
  if (state.range(0) != 0)
    request.run = run_id{"big"};
  std::int64_t events = 0, bytes = 0;
  for (auto _ : state) {
    auto chunk = bench.store->history(shard, request);
    for (auto& event : chunk->events)
      bytes += static_cast<std::int64_t>(event.frame->size());
    events += static_cast<std::int64_t>(chunk->events.size());
    request.after = chunk->through < chunk->head ? chunk->through : event_seq{};
  }
  state.SetItemsProcessed(events);
  state.SetBytesProcessed(bytes);
}
BENCHMARK(history_chunks)->ArgName("one_run")->Arg(0)->Arg(1);

void load_run(benchmark::State& state) {
  auto& bench = many_runs();
  std::mt19937 random{1};
  percentiles(state, [&] {
    auto run = bench.store->load_run(
      shard, room,
      {"018bcfe5-6800-7000-8000-"
       + std::to_string(100'000'000'000 + random() % bench.head.value)});
    benchmark::DoNotOptimize(run);
  });
}
BENCHMARK(load_run)->Unit(benchmark::kMicrosecond);

} // namespace
} // namespace callboard

BENCHMARK_MAIN();
