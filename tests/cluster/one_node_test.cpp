// The clients and the proof against a single node: what breaks here is not the
// cluster's doing.

#include "tests/cluster/cluster_test.hpp"

namespace callboard::test {

namespace {

class one_node : public cluster_test {
protected:
  void SetUp() override {
    make_cluster({.nodes = 1});
  }
};

} // namespace

TEST_F(one_node, keeps_all_promises_when_nothing_happens) {
  load work{nodes()};
  EXPECT_TRUE(work.flows(200));
  EXPECT_EQ(work.finish(), "");
  EXPECT_GT(work.recorded().readings.size(), 10u);
  EXPECT_EQ(work.recorded().viewings.size(), 3u);
}

TEST_F(one_node, keeps_all_promises_across_kills_and_pauses) {
  load work{nodes()};
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(work.flows(30));
    nodes().restart(0);
    EXPECT_TRUE(work.flows(30));
    nodes().pause(0);
    nodes().resume(0);
  }
  EXPECT_TRUE(work.flows(30));
  EXPECT_GE(work.viewer_at("p0", 0).reconnects(), 1);
  EXPECT_EQ(work.finish(), "");
}

TEST_F(one_node, is_served_in_a_network_of_its_own) {
  if (const auto why = test_network::unavailable(); !why.empty())
    GTEST_SKIP() << "no network of its own: " << why;
  test_network net{1};
  cluster_process alone{{.nodes = 1, .network = &net}};
  load work{alone};
  EXPECT_TRUE(work.flows(30));
  alone.restart(0);
  EXPECT_TRUE(work.flows(30));
  EXPECT_EQ(work.finish(), "");
}

TEST_F(one_node, that_forgets_what_it_acknowledged_is_found_out) {
  // The test of the test: the disk of the whole cluster is lost.
  load work{nodes()};
  EXPECT_TRUE(work.flows(50));
  nodes().kill(0);
  nodes().lose_disk(0);
  nodes().launch(0);
  nodes().await_ready(0);
  EXPECT_TRUE(work.flows(50));
  const auto wrong = work.finish();
  EXPECT_NE(wrong.find("lost: "), std::string::npos) << wrong;
}

} // namespace callboard::test
