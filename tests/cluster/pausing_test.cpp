// A leader that stops for a while (SIGSTOP) and goes on: nothing that it says
// then may count.

#include "tests/cluster/cluster_test.hpp"

namespace callboard::test {

namespace {

class pausing : public cluster_test {
protected:
  /// Clients that stay at the paused node, with what they asked it meanwhile
  /// waiting in its sockets.
  struct stubborn {
    producer sends;
    reader asks;
    std::vector<std::jthread> threads;

    stubborn(const cluster_process& cluster, int node,
             std::chrono::milliseconds patience)
        : sends{cluster,
                {.name = "stubborn",
                 .projects = {"p0", "p1", "p2"},
                 .node = node,
                 .changes = false,
                 .pace = 2ms,
                 .patience = patience}},
          asks{cluster,
               {.name = "stubborn reader",
                .project = "p0",
                .run = "anchor",
                .node = node,
                .changes = false,
                .pace = 2ms,
                .patience = patience}} {
      threads.emplace_back(
        [this](const std::stop_token& stop) { sends.work(stop); });
      threads.emplace_back(
        [this](const std::stop_token& stop) { asks.work(stop); });
    }
  };

  void pause_the_leader(std::chrono::seconds time) {
    make_cluster();
    load work{nodes()};
    EXPECT_TRUE(work.flows(50));
    const int leader = nodes().find_leader("p0");
    stubborn clients{nodes(), leader, time + 15s};
    EXPECT_TRUE(work.flows(50));
    nodes().pause(leader);
    const auto until = steady::now() + time;
    // Meanwhile others lead, and things happen that it does not know of.
    EXPECT_TRUE(work.flows(50));
    while (steady::now() < until)
      EXPECT_TRUE(work.flows(1));
    nodes().resume(leader);
    EXPECT_TRUE(work.flows(50));
    EXPECT_TRUE(eventually(
      [&] { return publish(leader, "after", plain_event("a")).has_value(); }))
      << last_answer();
    for (auto& thread : clients.threads)
      thread.request_stop();
    clients.threads.clear();
    work.join(clients.sends.take());
    work.join(clients.asks.take());
    EXPECT_EQ(work.finish(), "");
  }
};

} // namespace

TEST_F(pausing, a_leader_that_was_stopped_for_five_seconds_says_nothing_wrong) {
  pause_the_leader(5s);
}

TEST_F(pausing,
       a_leader_that_was_stopped_for_thirty_seconds_says_nothing_wrong) {
  pause_the_leader(30s);
}

TEST_F(pausing, short_pauses_of_everybody_do_no_harm) {
  // Around the election time-out: leaders that come back as others take over.
  make_cluster();
  load work{nodes(), {.readers = 4}};
  EXPECT_TRUE(work.flows(50));
  for (int round = 0; round < 12; ++round) {
    const int node = round % nodes().size();
    nodes().pause(node);
    rest({}, std::chrono::milliseconds{300 + 150 * (round % 5)});
    nodes().resume(node);
    EXPECT_TRUE(work.flows(5));
  }
  EXPECT_EQ(work.finish(), "");
}

} // namespace callboard::test
