// kill -9 of all nodes at once, a hundred times, under load.

#include "tests/cluster/cluster_test.hpp"

#include <random>

namespace callboard::test {

namespace {

/// The test ends earlier, saying so, rather than take longer than this.
constexpr auto time_limit = std::chrono::minutes{5};

class whole_loss : public cluster_test {};

} // namespace

TEST_F(whole_loss, a_hundred_times_loses_nothing_that_was_acknowledged) {
  const int rounds = setting("CALLBOARD_WHOLE_LOSS_ROUNDS", 100);
  make_cluster();
  load work{nodes(), {.producers = 3, .readers = 1}};
  std::mt19937 random{20261121};
  std::vector<std::chrono::milliseconds> times;
  const auto until = steady::now() + time_limit;
  int done = 0;
  for (; done < rounds && steady::now() < until; ++done) {
    SCOPED_TRACE("round " + std::to_string(done + 1));
    ASSERT_TRUE(work.flows(4)) << nodes().log_ends();
    rest({}, std::chrono::milliseconds{random() % 200});
    nodes().kill_all();
    const auto killed = steady::now();
    nodes().launch_all();
    nodes().await_all();
    ASSERT_TRUE(work.flows(1)) << nodes().log_ends();
    times.push_back(
      std::chrono::ceil<std::chrono::milliseconds>(steady::now() - killed));
  }
  EXPECT_EQ(done, rounds) << "the machine is too slow for all of them";
  show("first write after the loss of all nodes", times);
  EXPECT_EQ(work.finish(), "");
}

} // namespace callboard::test
