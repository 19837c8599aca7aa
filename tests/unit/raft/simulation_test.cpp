#include "tests/unit/raft/simulation.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace callboard {
namespace {

using test::simulation;

constexpr std::uint64_t ms = 1000;
constexpr std::uint64_t s = 1000 * ms;

/// How many seeds; CALLBOARD_RAFT_SEEDS asks for more.
std::uint64_t seeds() {
  const auto* more = std::getenv("CALLBOARD_RAFT_SEEDS");
  return more == nullptr ? 300 : std::strtoull(more, nullptr, 10);
}

/// Proposes to whoever leads, all the time.
void keep_proposing(simulation& sim, std::uint64_t until) {
  if (sim.now() >= until)
    return;
  for (std::uint64_t node = 1; node <= 3; ++node)
    sim.propose(node);
  sim.at(sim.now() + sim.random(500, 20 * ms),
         [&sim, until] { keep_proposing(sim, until); });
}

/// Breaks something, again and again.
void keep_breaking(simulation& sim, std::uint64_t until) {
  if (sim.now() >= until)
    return;
  const auto a = sim.random(1, 3);
  const auto b = sim.random(1, 3);
  switch (sim.random(0, 7)) {
  case 0:
  case 1:
  case 2:
    sim.crash(a);
    sim.at(sim.now() + sim.random(ms, 1500 * ms),
           [&sim, a] { sim.restart(a); });
    break;
  case 3:
    if (a != b)
      sim.cut(a, b);
    break;
  case 4:
    sim.isolate(a);
    break;
  case 5:
  case 6:
    sim.heal();
    break;
  case 7:
    sim.slow_disk(a, sim.random(1, 40));
    break;
  }
  sim.at(sim.now() + sim.random(20 * ms, 700 * ms),
         [&sim, until] { keep_breaking(sim, until); });
}

void repair(simulation& sim) {
  sim.heal();
  for (std::uint64_t node = 1; node <= 3; ++node) {
    sim.restart(node);
    sim.slow_disk(node, 1);
  }
}

class random_faults : public ::testing::TestWithParam<double> {};

TEST_P(random_faults, lose_nothing_that_was_committed) {
  std::uint64_t commands = 0;
  for (std::uint64_t seed = 1; seed <= seeds(); ++seed) {
    simulation sim{{.seed = seed, .loss = GetParam()}};
    constexpr auto chaos = 8 * s;
    keep_proposing(sim, chaos + 10 * s);
    sim.at(500 * ms, [&sim] { keep_breaking(sim, chaos); });
    sim.run_for(chaos);
    ASSERT_TRUE(sim.violations.empty()) << sim.violations.front();
    // A restart that was due later finds the node up.
    repair(sim);
    const auto before = sim.commands_committed();
    auto all_agree = [&] {
      return sim.commands_committed() > before + 20
             && sim.applied(1) == sim.applied(2)
             && sim.applied(2) == sim.applied(3);
    };
    ASSERT_TRUE(sim.run_until(all_agree, 10 * s))
      << "seed " << seed << ": no progress after the repair "
      << (sim.violations.empty() ? "" : sim.violations.front())
      << sim.describe();
    commands += sim.commands_committed();
  }
  EXPECT_GT(commands, seeds() * 50); // it was no idle run
}

INSTANTIATE_TEST_SUITE_P(links, random_faults, ::testing::Values(0.0, 0.02));

} // namespace
} // namespace callboard
