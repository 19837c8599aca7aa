#include "tests/unit/cluster_sim/history.hpp"

#include <gtest/gtest.h>

namespace callboard::sim {
namespace {

std::string all_of(const std::vector<std::string>& lines) {
  std::string out;
  for (auto& x : lines)
    out += x + '\n';
  return out;
}

TEST(cluster_sim, promises_are_kept_whatever_breaks) {
  history_figures sum;
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    auto x = run_history(seed);
    EXPECT_TRUE(x.broken.empty()) << "cluster_soak --seed " << seed << ":\n"
                                  << all_of(x.broken);
    EXPECT_EQ(x.figures.acknowledged, 280u);
    sum += x.figures;
  }
  // Else it proves little.
  EXPECT_GT(sum.crashes, 20u);
  EXPECT_GT(sum.cuts, 20u);
  EXPECT_GT(sum.sent_again, 20u);
  EXPECT_GT(sum.full_disks, 0u); // in an eighth of all histories
  EXPECT_GT(sum.slow_stores, 10u);
  EXPECT_GT(sum.orders, 20u);
  EXPECT_GT(sum.maps, 10u);
  EXPECT_GT(sum.states, 5u);
  EXPECT_GT(sum.taken, 50u);
  EXPECT_GT(sum.leases_lost, 5u);
}

TEST(cluster_sim, a_seed_is_a_history) {
  EXPECT_EQ(run_history(7).fingerprint, run_history(7).fingerprint);
  EXPECT_NE(run_history(7).fingerprint, run_history(8).fingerprint);
  EXPECT_EQ(run_history(8).fingerprint, run_history(8).fingerprint);
}

} // namespace
} // namespace callboard::sim
