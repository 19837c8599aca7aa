#include "actors/engine_host.hpp"

#include "tests/support/temp_dir.hpp"

#include <benchmark/benchmark.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

// The engine without sockets: requests go in as hubs send them, answers come
// out when they are durable and applied. `cpu_us` is what an event costs in all
// threads together, on whatever machine.

namespace callboard {
namespace {

/// Keeps a fixed number of requests under way, as a hub with eager producers.
class eager_sink : public edge_sink {
public:
  void answers(hub_id, std::vector<answer> xs) override {
    done_.fetch_add(xs.size());
    std::lock_guard guard{mutex_};
    free_ += xs.size();
    changed_.notify_one();
  }

  void room(hub_id, std::vector<room_signal>) override {
    // nop
  }

  void admin(const reply_address&, admin_request) override {
    // nop
  }

  void allow(std::size_t n) {
    std::lock_guard guard{mutex_};
    free_ = n;
  }

  std::size_t take() {
    std::unique_lock guard{mutex_};
    changed_.wait(guard, [&] { return free_ > 0; });
    return std::exchange(free_, 0);
  }

  void wait_for(std::uint64_t n) {
    std::unique_lock guard{mutex_};
    changed_.wait(guard, [&] { return done_.load() >= n; });
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t free_ = 0;
  std::atomic<std::uint64_t> done_{0};
};

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::string log_text(std::uint64_t run, std::uint64_t n) {
  return R"({"type":"workflow:execution:event:created","id":"id-)"
         + std::to_string(n) + R"(","data":{"execution_id":"run-)"
         + std::to_string(run)
         + R"(","event":{"kind":"log","level":"info","message":")"
         + std::string(150, 'm') + "\"}}}";
}

void publish_durably(benchmark::State& state) {
  eager_sink sink;
  test::temp_dir dir;
  settings conf;
  conf.node.data_dir = dir.path().string();
  auto host = make_engine(conf, sink);
  if (!host || !(*host)->wait_until_ready(std::chrono::seconds{10})) {
    state.SkipWithError("the engine does not start");
    return;
  }
  const project_id project{"p1"};
  std::uint64_t sent = 0;
  auto began = cpu_seconds();
  sink.allow(static_cast<std::size_t>(state.range(0)));
  std::size_t room = 0;
  for (auto _ : state) {
    if (room == 0)
      room = sink.take();
    --room;
    auto source = std::make_shared<const std::string>(log_text(sent % 8, sent));
    auto doc = json::document::parse(*source);
    publish_request x;
    x.room = {{"t"}, project};
    x.bytes = source->size();
    x.items.emplace_back(*parse_event(doc->root(), source, project, {}));
    (*host)->api().publish({hub_id{0}, 1, ++sent}, std::move(x));
  }
  sink.wait_for(sent);
  auto items = static_cast<double>(state.iterations());
  state.counters["cpu_us"] = (cpu_seconds() - began) / items * 1e6;
  state.counters["syncs_per_1000"]
    = static_cast<double>((*host)->api().metrics().log_syncs) / items * 1000;
  state.SetItemsProcessed(state.iterations());
  (*host)->stop();
}

std::size_t resident_bytes() {
  std::ifstream statm{"/proc/self/statm"};
  std::size_t pages = 0, resident = 0;
  statm >> pages >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

std::unique_ptr<engine_host> start_engine(const test::temp_dir& dir,
                                          eager_sink& sink) {
  settings conf;
  conf.node.data_dir = dir.path().string();
  // Small and full from the beginning, so that what grows is the actors.
  conf.storage.write_buffer_bytes = 8u << 20;
  conf.storage.block_cache_bytes = 8u << 20;
  conf.storage.flush_after_log_bytes = 1u << 20;
  auto host = make_engine(conf, sink);
  if (!host || !(*host)->wait_until_ready(std::chrono::seconds{10}))
    return nullptr;
  return std::move(*host);
}

/// One event for each run from `first` on.
void touch_runs(engine_host& host, eager_sink& sink, std::uint64_t first,
                std::uint64_t count, std::uint64_t& sent) {
  const project_id project{"p1"};
  constexpr std::uint64_t at_once = 500;
  for (std::uint64_t done = 0; done < count;) {
    publish_request x;
    x.room = {{"t"}, project};
    for (std::uint64_t i = 0; i < at_once && done < count; ++i, ++done) {
      auto source
        = std::make_shared<const std::string>(log_text(first + done, done));
      auto doc = json::document::parse(*source);
      x.bytes += source->size();
      x.items.emplace_back(*parse_event(doc->root(), source, project, {}));
    }
    host.api().publish({hub_id{0}, 1, ++sent}, std::move(x));
    sink.wait_for(sent);
  }
}

// What a run costs that had one event and now rests.
void idle_run(benchmark::State& state) {
  constexpr std::uint64_t warm_up = 20'000, runs = 50'000;
  for (auto _ : state) {
    eager_sink sink;
    test::temp_dir dir;
    std::uint64_t sent = 0;
    auto host = start_engine(dir, sink);
    touch_runs(*host, sink, 0, warm_up, sent);
    auto before = resident_bytes();
    touch_runs(*host, sink, warm_up, runs, sent);
    state.counters["bytes_per_run"]
      = static_cast<double>(resident_bytes() - before) / runs;
    host->stop();
  }
}

// From the question about a run that rests in the store to its actor's answer.
void activate_run(benchmark::State& state) {
  constexpr std::uint64_t runs = 20'000;
  eager_sink sink;
  test::temp_dir dir;
  std::uint64_t sent = 0;
  {
    auto host = start_engine(dir, sink);
    touch_runs(*host, sink, 0, runs, sent);
    host->stop();
  }
  auto host = start_engine(dir, sink);
  std::vector<double> micros;
  std::uint64_t run = 0;
  for (auto _ : state) {
    auto began = std::chrono::steady_clock::now();
    host->api().admin(
      {hub_id{0}, 1, ++sent},
      inspect_actor{{"t"}, "run", "p1/run-" + std::to_string(run++ % runs)});
    sink.wait_for(sent);
    micros.push_back(std::chrono::duration<double, std::micro>(
                       std::chrono::steady_clock::now() - began)
                       .count());
  }
  std::ranges::sort(micros);
  state.counters["p50_us"] = micros[micros.size() / 2];
  state.counters["p99_us"] = micros[micros.size() * 99 / 100];
  host->stop();
}

BENCHMARK(idle_run)->Iterations(1)->Unit(benchmark::kSecond)->UseRealTime();
BENCHMARK(activate_run)->Iterations(20'000)->UseRealTime();
BENCHMARK(publish_durably)->Arg(512)->Arg(4096)->UseRealTime()->MinTime(3);

} // namespace
} // namespace callboard

BENCHMARK_MAIN();
