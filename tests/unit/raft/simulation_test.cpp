#include "tests/unit/raft/chaos.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace callboard {
namespace {

using test::chaos_options;
using test::chaos_report;

/// How many seeds; CALLBOARD_RAFT_SEEDS asks for more or less. See also
/// raft_soak.
std::uint64_t seeds() {
  const auto* wanted = std::getenv("CALLBOARD_RAFT_SEEDS");
  return wanted == nullptr ? 1000 : std::strtoull(wanted, nullptr, 10);
}

struct histories {
  const char* name;
  double loss;
  bool members;
};

class random_histories : public ::testing::TestWithParam<histories> {};

TEST_P(random_histories, keep_every_promise_and_recover) {
  chaos_report sum;
  for (std::uint64_t seed = 1; seed <= seeds(); ++seed) {
    const auto x = test::run_chaos(
      {.seed = seed, .loss = GetParam().loss, .members = GetParam().members});
    ASSERT_EQ(x.failure, "") << "replay: raft_soak --seed " << seed
                             << " --histories " << GetParam().name;
    sum.commands += x.commands;
    sum.reads += x.reads;
    sum.states += x.states;
    sum.changes += x.changes;
    sum.leaderships += x.leaderships;
    sum.rebuilds += x.rebuilds;
  }
  // It was no idle run.
  EXPECT_GT(sum.commands, seeds() * 100);
  EXPECT_GT(sum.reads, seeds() * 20);
  EXPECT_GT(sum.leaderships, seeds() * 2);
  EXPECT_GT(sum.states, seeds() / 20);
  EXPECT_GT(sum.rebuilds, seeds() / 20);
  if (GetParam().members) {
    EXPECT_GT(sum.changes, seeds());
  }
}

INSTANTIATE_TEST_SUITE_P(
  with, random_histories,
  ::testing::Values(histories{"crashes", 0, false},
                    histories{"loss", 0.01, false},
                    histories{"members", 0, true},
                    histories{"members_and_loss", 0.01, true}),
  [](const auto& x) { return std::string{x.param.name}; });

TEST(simulated_histories, replay_exactly) {
  const chaos_options opts{.seed = 42, .loss = 0.01, .members = true};
  const auto first = test::run_chaos(opts);
  const auto second = test::run_chaos(opts);
  EXPECT_EQ(first.failure, second.failure);
  EXPECT_EQ(first.commands, second.commands);
  EXPECT_EQ(first.reads, second.reads);
  EXPECT_EQ(first.leaderships, second.leaderships);
}

} // namespace
} // namespace callboard
