/// What it costs to say events in other words: one translation by itself, then
/// a room that thousands look at, 1,000 of them in each vocabulary and 1,000
/// natively, on two hubs of one node. `translations_per_event` shows that an
/// event is translated once per node and vocabulary, however many look.

#include "transport/edge_metrics.hpp"
#include "transport/viewer_rooms.hpp"
#include "transport/vocabularies/vocabulary.hpp"

#include "tests/unit/vocabularies/story.hpp"
#include "tests/unit/ws/fake_engine.hpp"

#include <benchmark/benchmark.h>

#include <array>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

namespace {

using namespace callboard;

const std::array<const vocabulary*, vocabulary::count> vocabularies{
  &node_events(), &phase_events(), &hub_events(), &monitor_events()};

/// A run with ten steps and what a worker says on the way.
std::vector<posted_event> a_runs_events(test::story& of) {
  std::vector<posted_event> out;
  out.push_back(of.run(R"({"status":"running","workflow_name":"Nightly"})"));
  for (int i = 0; i < 10; ++i) {
    auto step = "s" + std::to_string(i);
    out.push_back(
      of.step(step, R"({"name":"Fetch","kind":"http","status":"running"})"));
    out.push_back(of.timeline(
      R"({"kind":"log","level":"info","message":"fetched a page"})"));
    out.push_back(of.timeline(
      R"({"kind":"counter","name":"pages","count":17,"shopId":"a"})"));
    out.push_back(of.step(
      step, R"({"status":"completed","output":{"pages":17,"bytes":71234}})"));
  }
  out.push_back(of.run(R"({"status":"completed","output":{"pages":170}})"));
  return out;
}

void translate(benchmark::State& state) {
  auto& words = *vocabularies[static_cast<std::size_t>(state.range(0))];
  test::story story;
  auto events = a_runs_events(story);
  std::vector<std::string> said;
  for (auto _ : state)
    for (auto& event : events) {
      said.clear();
      words.say(event, said);
      benchmark::DoNotOptimize(said);
    }
  state.SetLabel(std::string{words.name()});
  state.SetItemsProcessed(state.iterations()
                          * static_cast<std::int64_t>(events.size()));
}
BENCHMARK(translate)->DenseRange(0, vocabulary::count - 1);

/// A viewer that forgets what it gets, as fast as it gets it.
class silent_viewer : public viewer {
public:
  silent_viewer() : viewer{1u << 20} {
    // nop
  }
  bool reaches(const project_id&) const override {
    return true;
  }
  void subscribed(const subscription&, event_seq, std::uint64_t) override {
    // nop
  }
  void lagged(const subscription&, event_seq) override {
    ++lags;
  }
  void resync(const subscription&, event_seq) override {
    // nop
  }
  void wake() override {
    // nop
  }

  /// What a session does with its queue, but for the system call.
  std::size_t drain() {
    std::array<std::string_view, 64> pieces;
    std::size_t total = 0;
    while (!out.empty()) {
      auto n = out.gather(pieces, 256u << 10);
      auto bytes = std::accumulate(
        pieces.begin(), pieces.begin() + static_cast<std::ptrdiff_t>(n),
        std::size_t{0}, [](auto sum, auto x) { return sum + x.size(); });
      out.consume(bytes);
      total += bytes;
    }
    return total;
  }

  std::size_t lags = 0;
};

/// One hub with its rooms.
class one_hub : public edge_sink {
public:
  one_hub(hub_id id, edge_metrics& metrics)
      : engine_{*this}, rooms{id, engine_, metrics} {
    // nop
  }

  void answers(hub_id, std::vector<answer> xs) override {
    for (auto& x : xs)
      rooms.history(std::move(x));
  }
  void room(hub_id, std::vector<room_signal> xs) override {
    for (auto& x : xs)
      signals_.push_back(std::move(x));
  }
  void admin(const reply_address&, admin_request) override {
    // nop
  }

  void add_viewers(std::size_t count, const vocabulary* words) {
    for (std::size_t i = 0; i < count; ++i) {
      auto& x = viewers.emplace_back(std::make_unique<silent_viewer>());
      rooms.subscribe(
        *x, {{"project:p1", {}, {}, words}, test::room, {}, {}, false});
    }
    while (!signals_.empty())
      for (auto& x : std::exchange(signals_, {}))
        rooms.handle(std::move(x));
  }

private:
  test::fake_engine engine_;
  std::vector<room_signal> signals_;

public:
  viewer_rooms rooms;
  std::vector<std::unique_ptr<silent_viewer>> viewers;
};

void fan_out_in_all_vocabularies(benchmark::State& state) {
  auto each = static_cast<std::size_t>(state.range(0));
  edge_metrics metrics;
  std::array<std::unique_ptr<one_hub>, 2> hubs;
  for (std::size_t i = 0; i < hubs.size(); ++i) {
    hubs[i] = std::make_unique<one_hub>(hub_id{static_cast<std::uint32_t>(i)},
                                        metrics);
    hubs[i]->add_viewers(each / hubs.size(), nullptr);
    for (const auto* words : vocabularies)
      hubs[i]->add_viewers(each / hubs.size(), words);
  }
  test::story story;
  event_seq last;
  std::size_t events = 0, bytes = 0;
  for (auto _ : state) {
    state.PauseTiming();
    auto batch = std::make_shared<room_batch>();
    batch->room = test::room;
    batch->previous = last;
    story.machine = {}; // another run
    batch->events = a_runs_events(story);
    events += batch->events.size();
    last = batch->events.back().seq;
    state.ResumeTiming();
    for (auto& hub : hubs) {
      hub->rooms.handle(room_signal{std::shared_ptr<const room_batch>{batch}});
      for (auto& x : hub->viewers)
        bytes += x->drain();
    }
  }
  std::uint64_t translations = 0, lags = 0;
  for (auto& x : metrics.translations)
    translations += x.load();
  for (auto& hub : hubs) {
    for (auto& x : hub->viewers) {
      lags += x->lags;
      hub->rooms.forget(*x);
    }
  }
  auto viewers = each * (vocabularies.size() + 1);
  state.counters["viewers"] = static_cast<double>(viewers);
  state.counters["lagged"] = static_cast<double>(lags);
  state.counters["translations_per_event"]
    = static_cast<double>(translations) / static_cast<double>(events);
  state.counters["bytes_per_viewer_and_event"]
    = static_cast<double>(bytes) / static_cast<double>(viewers * events);
  state.counters["per_viewer_and_event"] = benchmark::Counter(
    static_cast<double>(viewers * events),
    benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(fan_out_in_all_vocabularies)
  ->Arg(10)
  ->Arg(100)
  ->Arg(1000)
  ->Unit(benchmark::kMillisecond);

} // namespace

BENCHMARK_MAIN();
