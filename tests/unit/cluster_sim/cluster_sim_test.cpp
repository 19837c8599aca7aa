#include "tests/unit/cluster_sim/history.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace callboard::sim {
namespace {

std::string all_of(const std::vector<std::string>& lines) {
  std::string out;
  for (auto& x : lines)
    out += x + '\n';
  return out;
}

TEST(cluster_sim, promises_are_kept_whatever_breaks) {
  history_report sum;
  for (std::uint32_t seed = 1; seed <= 10; ++seed) {
    auto x = run_history(seed);
    EXPECT_TRUE(x.broken.empty()) << "cluster_soak --seed " << seed << ":\n"
                                  << all_of(x.broken);
    EXPECT_EQ(x.acknowledged, 600u);
    sum.crashes += x.crashes;
    sum.cuts += x.cuts;
    sum.sent_again += x.sent_again;
  }
  // Else it proves little.
  EXPECT_GT(sum.crashes, 20u);
  EXPECT_GT(sum.cuts, 20u);
  EXPECT_GT(sum.sent_again, 20u);
}

TEST(cluster_sim, a_seed_is_a_history) {
  EXPECT_EQ(run_history(7).fingerprint, run_history(7).fingerprint);
  EXPECT_NE(run_history(7).fingerprint, run_history(8).fingerprint);
}

/// Ends the process with 1 when a broken guarantee shows, as a promise that was
/// not kept or as a node that finds its own data wrong and ends; else with 0.
[[noreturn]] void look_for(mutant which, std::uint32_t histories) {
  for (std::uint32_t seed = 1; seed <= histories; ++seed)
    if (!run_history(seed, which).broken.empty())
      std::_Exit(1);
  std::_Exit(0);
}

// In processes of their own, because a node ends its process.
class cluster_sim_mutant : public ::testing::Test {
protected:
  cluster_sim_mutant() {
    ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
  }
};

TEST_F(cluster_sim_mutant, acknowledging_before_the_disk_has_it_is_noticed) {
  EXPECT_EXIT(look_for(mutant::early_sync, 30), ::testing::ExitedWithCode(1),
              "");
}

TEST_F(cluster_sim_mutant, a_replica_that_leaves_something_out_is_noticed) {
  EXPECT_EXIT(look_for(mutant::lost_entry, 5), ::testing::ExitedWithCode(1),
              "");
}

} // namespace
} // namespace callboard::sim
