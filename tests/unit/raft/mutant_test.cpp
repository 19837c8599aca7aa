#include "tests/unit/raft/chaos.hpp"
#include "tests/unit/raft/scenario.hpp"

#include <string>

/// The test of the test: our side of the work is broken on purpose, and the
/// simulation must notice within few histories.
namespace callboard {
namespace {

using test::mutant;

struct broken {
  const char* name;
  test::mutant how;
  const char* noticed; ///< A part of what the simulation must say.
};

class simulation_notices : public ::testing::TestWithParam<broken> {};

TEST_P(simulation_notices, within_few_histories) {
  constexpr std::uint64_t enough = 3000;
  for (std::uint64_t seed = 1; seed <= enough; ++seed) {
    const auto x = test::run_chaos(
      {.seed = seed, .members = seed % 4 == 0, .mutant = GetParam().how});
    if (x.failure.find(GetParam().noticed) != std::string::npos) {
      RecordProperty("seed", std::to_string(seed));
      return;
    }
  }
  ADD_FAILURE() << "not noticed in " << enough << " histories";
}

INSTANTIATE_TEST_SUITE_P(
  a_replica_that, simulation_notices,
  ::testing::Values(broken{"acknowledges_before_it_is_durable",
                           mutant::acknowledge_before_durable, "disk"},
                    broken{"acknowledges_what_it_has_not_compared",
                           mutant::acknowledge_unverified, "disks"},
                    broken{"votes_without_comparing_logs",
                           mutant::vote_without_log_check, "without entry"},
                    broken{"votes_as_if_it_had_never_had_what_it_dropped",
                           mutant::forget_dropped_log, "without entry"},
                    broken{"reads_without_a_majority",
                           mutant::read_without_majority, "answers a read"}),
  [](const auto& x) { return std::string{x.param.name}; });

/// C leads and hands over to A with its own vote; A dies and C forgets, or not.
/// B, which has heard of none of it, then asks C for its vote in the same term.
/// Random histories hardly ever come to this.
std::vector<std::string> vote_twice(std::uint64_t seed, test::mutant how) {
  using test::ms;
  test::simulation sim{{.seed = seed, .flush_and_trim = false, .mutant = how}};
  sim.run_until([&] { return sim.leader() != 0; }, 5 * test::s);
  sim.run_for(500 * ms);
  const auto c = sim.leader();
  const auto a = c % 3 + 1;
  const auto b = a % 3 + 1;
  sim.cut(a, b);
  sim.transfer(c, a);
  if (!sim.run_until([&] { return sim.leader() == a; }, 100 * ms))
    return {"no transfer"};
  sim.crash(a);
  sim.crash(c);
  sim.restart(c);
  sim.run_for(3 * test::s);
  return sim.violations;
}

TEST(a_vote, is_given_once_a_term_whatever_happens_between) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed)
    EXPECT_EQ(vote_twice(seed, mutant::none), std::vector<std::string>{});
}

TEST(a_vote, that_is_forgotten_is_noticed) {
  std::size_t noticed = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed)
    for (const auto& x : vote_twice(seed, mutant::forget_votes))
      noticed += x.find("two leaders") != std::string::npos;
  EXPECT_GT(noticed, 0u);
}

} // namespace
} // namespace callboard
