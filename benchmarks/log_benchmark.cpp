// One voter's way of an entry: propose, write with fsync, report durable,
// apply. The argument is how many proposals share one write; the folder is
// CALLBOARD_BENCH_DIR or the system's temporary one (which should be on the
// disk that counts).

#include "storage/log_store.hpp"
#include "storage/raft/consensus.hpp"

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace {

using namespace callboard;

constexpr shard_id shard{0};
constexpr node_number self{1};

std::filesystem::path bench_dir() {
  const auto* given = std::getenv("CALLBOARD_BENCH_DIR");
  auto base = given == nullptr ? std::filesystem::temp_directory_path()
                               : std::filesystem::path{given};
  return base / "callboard-log-benchmark";
}

/// What a shard and the log writer do, in one thread.
class voter {
public:
  explicit voter(log_store& store) : store_{store} {
    const callboard::group_member members[]{{self, true}};
    add(replica_->start({}, members, 1));
    sync();
  }

  void propose(const shared_bytes& payload) {
    add(**replica_->propose(payload, 1));
  }

  /// Makes everything proposed durable and applied; trims now and then, as
  /// after a flush of the state.
  bool sync() {
    std::string error;
    if (store_.write(batch_, error) != write_outcome::durable)
      return false;
    batch_.clear();
    const auto& fx = replica_->durable(last_, 1);
    if (!fx.apply.empty())
      applied_ = fx.apply.back().index;
    if (applied_.value > trimmed_.value + 100'000) {
      trimmed_ = applied_;
      const auto [index, members] = replica_->configuration_at(applied_);
      if (!store_.trim(shard, applied_, replica_->term_at(applied_), index,
                       members))
        return false;
      replica_->trim(next(applied_));
    }
    return true;
  }

private:
  void add(const effects& fx) {
    if (fx.hard)
      batch_.put_hard_state(shard, *fx.hard);
    for (const auto& x : fx.append)
      batch_.append(shard, x);
    last_ = fx.after;
  }

  log_store& store_;
  std::unique_ptr<consensus> replica_ = make_raft_consensus({.self = self});
  log_store::batch batch_;
  ticket last_;
  log_index applied_;
  log_index trimmed_;
};

void count(benchmark::State& state, std::int64_t bytes) {
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.SetBytesProcessed(state.iterations() * state.range(0) * bytes);
}

void durable_entries(benchmark::State& state) {
  const auto payload = std::make_shared<const std::string>(
    std::string(static_cast<std::size_t>(state.range(1)), 'x'));
  std::filesystem::remove_all(bench_dir());
  auto store = log_store::open({.dir = bench_dir()});
  if (!store)
    return state.SkipWithError(store.error().detail.c_str());
  voter x{**store};
  for (auto _ : state) {
    for (auto i = state.range(0); i > 0; --i)
      x.propose(payload);
    if (!x.sync())
      return state.SkipWithError("the log could not be written");
  }
  count(state, state.range(1));
  store->reset();
  std::filesystem::remove_all(bench_dir());
}
BENCHMARK(durable_entries)
  ->ArgNames({"entries", "bytes"})
  ->ArgsProduct({{1, 16, 128}, {300, 4096}})
  ->UseRealTime();

/// The same without a disk: what consensus alone costs.
void committed_entries(benchmark::State& state) {
  const auto payload
    = std::make_shared<const std::string>(std::string(300, 'x'));
  const callboard::group_member members[]{{self, true}};
  auto replica = make_raft_consensus({.self = self});
  ticket last = replica->start({}, members, 1).after;
  std::uint64_t since_trim = 0;
  for (auto _ : state) {
    for (auto i = state.range(0); i > 0; --i)
      last = (*replica->propose(payload, 1))->after;
    benchmark::DoNotOptimize(replica->durable(last, 1).apply.data());
    since_trim += static_cast<std::uint64_t>(state.range(0));
    if (since_trim > 10'000) {
      replica->trim(next(replica->last_index()));
      since_trim = 0;
    }
  }
  count(state, 300);
}
BENCHMARK(committed_entries)->ArgName("entries")->Arg(1)->Arg(16)->Arg(128);

/// Reading a shard's log at start.
void load_log(benchmark::State& state) {
  const auto entries = static_cast<std::uint64_t>(state.range(0));
  const auto payload
    = std::make_shared<const std::string>(std::string(300, 'x'));
  std::filesystem::remove_all(bench_dir());
  {
    auto store = log_store::open({.dir = bench_dir()});
    if (!store)
      return state.SkipWithError(store.error().detail.c_str());
    voter x{**store};
    for (std::uint64_t i = 0; i < entries; ++i) {
      x.propose(payload);
      if (i % 1024 == 1023 && !x.sync())
        return state.SkipWithError("the log could not be written");
    }
    if (!x.sync())
      return state.SkipWithError("the log could not be written");
  }
  for (auto _ : state) {
    auto store = log_store::open({.dir = bench_dir()});
    if (!store || !(*store)->load(shard, {}))
      return state.SkipWithError("the log could not be read");
  }
  count(state, 300);
  std::filesystem::remove_all(bench_dir());
}
BENCHMARK(load_log)->ArgName("entries")->Arg(90'000)->Unit(
  benchmark::kMillisecond);

} // namespace

BENCHMARK_MAIN();
