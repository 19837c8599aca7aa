#include "tests/unit/cluster_sim/quiet_cluster.hpp"

namespace callboard::sim {
namespace {

/// A node's disk is full, and it is alone.
class readiness_test : public quiet_cluster {
protected:
  void SetUp() override {
    cluster.fill_disk(0, true);
    publish(0, 1, R"({"type":"sim:thing:happened","id":"e1","data":{"n":1}})");
    wait([&] { return tells("disk is full"); });
    cluster.crash(1);
    cluster.crash(2);
    wait([&] { return tells("shards serve"); });
  }

  std::string reason() {
    return cluster.api(0).ready().reason;
  }

  bool tells(std::string_view why) {
    return reason().find(why) != std::string::npos;
  }
};

// Shards without a leader are what operators see; the disk is what they can do
// something about.
TEST_F(readiness_test, a_reason_does_not_hide_another) {
  EXPECT_FALSE(cluster.api(0).ready().ready);
  EXPECT_TRUE(tells("shards serve")) << reason();
  EXPECT_TRUE(tells("disk is full")) << reason();
}

TEST_F(readiness_test, nothing_is_told_that_is_over) {
  cluster.fill_disk(0, false);
  cluster.restart(1);
  cluster.restart(2);
  wait([&] { return cluster.api(0).ready().ready; });
  EXPECT_TRUE(cluster.api(0).ready().ready) << reason();
  EXPECT_EQ(reason(), "");
}

} // namespace
} // namespace callboard::sim
