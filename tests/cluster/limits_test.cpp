// What waits for a leader is bounded, and says so.

#include "tests/cluster/cluster_test.hpp"

#include <atomic>
#include <thread>

namespace callboard::test {

namespace {

class limits : public cluster_test {};

} // namespace

TEST_F(limits, reads_that_wait_for_a_leader_are_bounded) {
  constexpr int most = 16;
  make_cluster({.arguments = {"--limits-waiting-calls", std::to_string(most),
                              "--cluster-leader-wait", "20s"}});
  ASSERT_TRUE(publish(0, "p0", plain_event("a"))) << last_answer();
  nodes().kill(1);
  nodes().kill(2);
  std::atomic<int> waiting = 0, told = 0, other = 0;
  std::string text;
  std::mutex guard;
  {
    std::vector<std::jthread> readers;
    for (int i = 0; i < most + 8; ++i)
      readers.emplace_back([&] {
        ++waiting;
        try {
          const auto x = nodes().get(0, "/v1/projects/p0/runs", 40s);
          const auto limited
            = x.body.find("limits.waiting_calls") != std::string::npos;
          (x.status == 503 && limited ? told : other) += 1;
          if (limited) {
            std::lock_guard lock{guard};
            text = x.body;
          }
        } catch (const std::exception& x) {
          ++other;
        }
        --waiting;
      });
    // Those past the limit are told at once; the others wait for a leader.
    EXPECT_TRUE(eventually([&] { return told == 8; })) << told << ' ' << other;
    EXPECT_EQ(other, 0);
    EXPECT_TRUE(eventually(
      [&] { return figure(0, "callboard_shard_waiting_calls") == most; }));
    // And get what they came for as soon as there is one.
    nodes().launch(1);
    nodes().launch(2);
  }
  EXPECT_EQ(told, 8);
  EXPECT_NE(text.find("unavailable"), std::string::npos) << text;
  nodes().await_ready(1);
  nodes().await_ready(2);
  EXPECT_TRUE(eventually(
    [&] { return figure(0, "callboard_shard_waiting_calls") == 0; }));
  EXPECT_TRUE(publish(0, "p0", plain_event("b"))) << last_answer();
}

TEST_F(limits, questions_to_all_shards_are_bounded) {
  constexpr int most = 16;
  make_cluster({.arguments = {"--cluster-asks", std::to_string(most),
                              "--cluster-leader-wait", "20s"}});
  ASSERT_TRUE(publish(0, "p0", plain_event("a"))) << last_answer();
  nodes().kill(1);
  nodes().kill(2);
  std::atomic<int> told = 0, listed = 0;
  {
    std::vector<std::jthread> askers;
    for (int i = 0; i < most + 8; ++i)
      askers.emplace_back([&] {
        try {
          const auto x = nodes().get(0, "/v1/projects", 40s);
          if (x.status == 503
              && x.body.find("cluster.asks") != std::string::npos)
            ++told;
          if (x.status == 200 && x.body.find("p0") != std::string::npos)
            ++listed;
        } catch (const std::exception&) {
          // Neither.
        }
      });
    EXPECT_TRUE(eventually([&] { return told == 8; })) << told;
    EXPECT_NE(nodes().get(0, "/metrics").body.find("callboard_cluster_asks 16"),
              std::string::npos);
    nodes().launch(1);
    nodes().launch(2);
  }
  EXPECT_EQ(told, 8);
  EXPECT_EQ(listed, most);
  nodes().await_ready(1);
  nodes().await_ready(2);
}

} // namespace callboard::test
