#pragma once

#include "tests/unit/raft/simulation.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace callboard::test {

inline constexpr std::uint64_t ms = 1000;
inline constexpr std::uint64_t s = 1000 * ms;
inline constexpr std::uint32_t group = 7; // as the simulation has it

/// Scenarios that random faults hardly ever produce.
class scenario : public ::testing::Test {
protected:
  explicit scenario(const simulation::options& opts
                    = {.seed = 11, .flush_and_trim = false})
      : sim{opts} {
    // nop
  }

  void TearDown() override {
    for (const auto& x : sim.violations)
      ADD_FAILURE() << x;
  }

  /// Waits for a leader that has applied its log.
  std::uint64_t settle() {
    auto agreed = [this] {
      const auto leader = sim.leader();
      return leader != 0
             && sim.applied(leader) == sim.replica(leader).last_index();
    };
    EXPECT_TRUE(sim.run_until(agreed, 5 * s)) << sim.describe();
    return sim.leader();
  }

  bool wait(const std::function<bool()>& done, std::uint64_t us) {
    return sim.run_until(done, us);
  }

  /// What `node` has applied is what the leader has.
  bool caught_up(std::uint64_t node) {
    const auto leader = sim.leader();
    return leader != 0 && sim.up(node)
           && sim.applied(node) == sim.replica(leader).last_index();
  }

  bool is_voter(std::uint64_t on, std::uint64_t node) {
    for (const auto& x : sim.replica(on).members())
      if (x.node.value == node)
        return x.voter;
    return false;
  }

  simulation sim;
};

} // namespace callboard::test
