// Everything at random, with a seed: kills, pauses, hand-overs, cuts, loss,
// the end of all nodes. Longer runs and other seeds:
//
//   export CALLBOARD_NEMESIS_SECONDS=3600 CALLBOARD_NEMESIS_SEED=7
//   build/release/tests/cluster/callboard_cluster --gtest_filter='nemesis.*'

#include "tests/cluster/cluster_test.hpp"

#include <random>

namespace callboard::test {

namespace {

class nemesis : public cluster_test {
protected:
  void SetUp() override {
    const auto why = test_network::unavailable();
    if (why.empty())
      net_ = std::make_unique<test_network>(3);
    else
      std::cout << "without cuts: " << why << std::endl;
    make_cluster({.network = net_.get()});
  }

  void TearDown() override {
    cluster_test::TearDown();
    drop_cluster();
  }

  int below(int n) {
    return static_cast<int>(random_() % static_cast<unsigned>(n));
  }

  void wait(int least_ms, int more_ms) {
    rest({}, std::chrono::milliseconds{least_ms + below(more_ms)});
  }

  /// Harm, and its end. @returns what it was.
  std::string strike() {
    const int node = below(nodes().size());
    const auto name = cluster_process::name(node);
    switch (below(net_ ? 9 : 5)) {
    case 0:
      nodes().kill(node);
      wait(0, 2500);
      nodes().launch(node);
      nodes().await_ready(node);
      return "kill " + name;
    case 1:
      nodes().pause(node);
      wait(100, 3000);
      nodes().resume(node);
      return "pause " + name;
    case 2:
      nodes().terminate(node);
      nodes().node(node).wait_exit(30s);
      nodes().launch(node);
      nodes().await_ready(node);
      return "terminate " + name;
    case 3:
      nodes().kill_all();
      nodes().launch_all();
      nodes().await_all();
      return "kill all";
    case 4: {
      const int other = (node + 1) % nodes().size();
      nodes().pause(node);
      nodes().kill(other);
      wait(0, 500);
      nodes().resume(node);
      nodes().launch(other);
      nodes().await_ready(other);
      return "pause " + name + " and kill the next";
    }
    case 5:
      net_->isolate(node);
      wait(200, 4000);
      net_->heal();
      return "isolate " + name;
    case 6: {
      const int other = (node + 1) % nodes().size();
      net_->cut(node, other);
      wait(200, 4000);
      net_->heal();
      return "cut the way from " + name + " to the next";
    }
    case 7:
      net_->lose(0.05 + 0.01 * below(20));
      wait(500, 3000);
      net_->heal();
      return "loss";
    default:
      net_->isolate(node);
      nodes().kill((node + 1) % nodes().size());
      wait(100, 1500);
      net_->heal();
      nodes().launch((node + 1) % nodes().size());
      nodes().await_ready((node + 1) % nodes().size());
      return "isolate " + name + " and kill the next";
    }
  }

  std::unique_ptr<test_network> net_;
  std::mt19937 random_{
    static_cast<unsigned>(setting("CALLBOARD_NEMESIS_SEED", 1))};
};

} // namespace

TEST_F(nemesis, finds_no_broken_promise) {
  const auto until
    = steady::now()
      + std::chrono::seconds{setting("CALLBOARD_NEMESIS_SECONDS", 60)};
  load work{nodes()};
  std::string strikes;
  EXPECT_TRUE(work.flows(20));
  int count = 0;
  for (; steady::now() < until; ++count) {
    strikes += strike() + "\n";
    ASSERT_TRUE(work.flows(1, 30s)) << "it did not recover from:\n" << strikes;
    if (below(3) == 0)
      continue; // strikes a cluster that is still recovering
    EXPECT_TRUE(work.flows(20, 30s)) << strikes;
  }
  EXPECT_EQ(work.finish(), "") << strikes;
  std::cout << "[  FIGURE  ] nemesis: " << count << " strikes, "
            << work.recorded().attempts.size() << " attempts, "
            << work.recorded().readings.size() << " readings" << std::endl;
}

} // namespace callboard::test
