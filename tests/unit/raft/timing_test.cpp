#include "tests/unit/raft/scenario.hpp"

#include <algorithm>
#include <vector>

/// How long writes stall, with the times that a cluster uses.
namespace callboard {
namespace {

using namespace test;

struct stalls {
  double median_ms = 0;
  double p99_ms = 0;
};

/// From `what` on the leader to the first write that is committed elsewhere.
stalls measure(const std::function<void(simulation&, std::uint64_t)>& what) {
  std::vector<std::uint64_t> all;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    simulation sim{{.seed = seed, .election_ms = 500, .heartbeat_ms = 100}};
    sim.run_until([&] { return sim.leader() != 0; }, 10 * s);
    sim.run_for(1 * s + seed * ms);
    const auto old = sim.leader();
    const auto begin = sim.now();
    what(sim, old);
    const auto before = sim.commands_committed();
    auto wrote = [&] {
      const auto leader = sim.leader();
      if (leader != 0 && leader != old)
        sim.propose(leader);
      return sim.commands_committed() > before;
    };
    EXPECT_TRUE(sim.run_until(wrote, 10 * s)) << sim.describe();
    EXPECT_TRUE(sim.violations.empty()) << sim.violations.front();
    all.push_back(sim.now() - begin);
  }
  std::sort(all.begin(), all.end());
  return {static_cast<double>(all[all.size() / 2]) / 1000,
          static_cast<double>(all[all.size() * 99 / 100]) / 1000};
}

TEST(writes_stall, for_about_a_second_when_the_leader_dies) {
  const auto x
    = measure([](simulation& sim, std::uint64_t leader) { sim.crash(leader); });
  RecordProperty("median_ms", std::to_string(x.median_ms));
  RecordProperty("p99_ms", std::to_string(x.p99_ms));
  EXPECT_LT(x.median_ms, 1000);
  EXPECT_LT(x.p99_ms, 2000);
}

TEST(writes_stall, for_a_few_milliseconds_when_the_leader_hands_over) {
  const auto x = measure([](simulation& sim, std::uint64_t leader) {
    EXPECT_TRUE(sim.transfer(leader));
  });
  RecordProperty("median_ms", std::to_string(x.median_ms));
  RecordProperty("p99_ms", std::to_string(x.p99_ms));
  EXPECT_LT(x.median_ms, 20);
  EXPECT_LT(x.p99_ms, 50);
}

} // namespace
} // namespace callboard
