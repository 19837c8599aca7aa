// SIGTERM under load: leaderships are handed over, sessions are told to go.

#include "tests/cluster/cluster_test.hpp"
#include "tests/cluster/prober.hpp"

namespace callboard::test {

namespace {

class handover : public cluster_test {};

} // namespace

TEST_F(handover, stalls_writes_for_a_moment_only_and_leaves_no_session_untold) {
  make_cluster();
  load work{nodes(), {.pace = 20ms}};
  std::vector<std::chrono::milliseconds> stalls;
  for (int round = 0; round < 6; ++round) {
    ASSERT_TRUE(nodes().settled(30s)) << nodes().log_ends();
    EXPECT_TRUE(work.flows(20));
    ASSERT_TRUE(publish(0, "probe", plain_event("b" + std::to_string(round))))
      << last_answer();
    const int leader = nodes().find_leader("probe");
    const prober probe{nodes(), (leader + 1) % nodes().size(), "probe"};
    ASSERT_TRUE(probe.goes_on());
    const auto told = steady::now();
    nodes().terminate(leader);
    EXPECT_EQ(nodes().node(leader).wait_exit(30s), 0);
    ASSERT_TRUE(probe.goes_on());
    stalls.push_back(probe.longest(told, steady::now()));
    EXPECT_EQ(probe.failures(), 0u) << "a write failed during a hand-over";
    nodes().launch(leader);
    nodes().await_ready(leader);
  }
  show("longest write during a hand-over", stalls);
  EXPECT_LT(percentile(stalls, 0.5), 1s) << "the goal: 50 ms";
  int told = 0;
  for (const auto* project : {"p0", "p1", "p2"}) {
    for (int i = 0; i < nodes().size(); ++i) {
      told += work.viewer_at(project, i).goaways();
      EXPECT_EQ(work.viewer_at(project, i).untold(), 0)
        << project << " at n" << i;
    }
  }
  EXPECT_GE(told, 3) << "three viewers, or more, were at the first that ended";
  EXPECT_EQ(work.finish(), "");
}

TEST_F(handover, every_session_gets_goaway_before_its_connection_ends) {
  make_cluster();
  for (int i = 0; i < nodes().size(); ++i) {
    std::vector<ws_client> sessions;
    for (int n = 0; n < 20; ++n) {
      sessions.push_back(nodes().viewer(i));
      sessions.back().subscribe("project:p" + std::to_string(n));
    }
    nodes().terminate(i);
    for (auto& x : sessions) {
      EXPECT_NO_THROW(x.receive_type("goaway"));
      EXPECT_EQ(x.wait_close(), 1012);
    }
    EXPECT_EQ(nodes().node(i).wait_exit(30s), 0);
    nodes().launch(i);
    nodes().await_ready(i);
  }
}

} // namespace callboard::test
