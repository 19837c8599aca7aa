// What two nodes do once they have met, and how they meet again.

#include "tests/unit/link/link_fixture.hpp"

#include <algorithm>
#include <set>
#include <thread>

namespace callboard {
namespace {

using namespace test;

shared_bytes bytes(std::string x) {
  return std::make_shared<const std::string>(std::move(x));
}

TEST(link, two_nodes_meet_and_say_who_they_are) {
  link_node a{"a"}, b{"b"};
  a.self.cluster = "c-1";
  a.self.address = "a.example:7000";
  a.start();
  b.start();
  meet(a, b);
  EXPECT_EQ(b.sink->peers(), std::vector{a.self});
  EXPECT_EQ(a.sink->peers(), std::vector{b.self});
}

TEST(link, either_of_two_nodes_may_dial) {
  link_node a{"a"}, b{"b"};
  a.start();
  b.start();
  meet(b, a);
  EXPECT_EQ(a.sink->ups().size(), 1u);
  EXPECT_EQ(b.sink->ups().size(), 1u);
}

TEST(link, frames_arrive_whole_and_in_order_in_each_lane) {
  link_node a{"a"}, b{"b"};
  a.start();
  b.start();
  meet(a, b);
  constexpr std::size_t many = 3000;
  std::size_t lengths[] = {0, 1, 100, 1024, 1025, 70'000};
  for (std::size_t i = 0; i < many; ++i)
    for (auto lane : {peer_lane::urgent, peer_lane::normal, peer_lane::bulk}) {
      auto text
        = std::to_string(i) + ":"
          + std::string(lengths[i % 6], static_cast<char>('a' + i % 26));
      ASSERT_TRUE(eventually([&] { return a.send("b", lane, text); }));
    }
  ASSERT_TRUE(eventually([&] { return b.sink->frame_count() == 3 * many; }));
  std::size_t next[3] = {};
  for (auto& x : b.sink->frames()) {
    auto i = next[static_cast<std::size_t>(x.lane)]++;
    auto text = std::to_string(i) + ":"
                + std::string(lengths[i % 6], static_cast<char>('a' + i % 26));
    ASSERT_EQ(x.frame, text);
  }
}

TEST(link, many_threads_send_at_once) {
  link_node a{"a"}, b{"b"};
  a.start();
  b.start();
  meet(a, b);
  auto session = a.sink->session();
  constexpr int threads = 4, each = 5000;
  std::vector<std::thread> all;
  for (int t = 0; t < threads; ++t)
    all.emplace_back([&, t] {
      for (int i = 0; i < each; ++i)
        EXPECT_TRUE(a.network->send(session, peer_lane::normal,
                                    bytes(std::to_string(t * each + i))));
    });
  for (auto& x : all)
    x.join();
  ASSERT_TRUE(
    eventually([&] { return b.sink->frame_count() == threads * each; }));
  std::vector<int> last(threads, -1);
  for (auto& x : b.sink->frames()) {
    auto n = std::stoi(x.frame);
    EXPECT_GT(n, last[static_cast<std::size_t>(n / each)]);
    last[static_cast<std::size_t>(n / each)] = n;
  }
}

TEST(link, figures_count_what_went_over_the_link) {
  link_node a{"a"}, b{"b"};
  b.self.address = "b.example:1";
  a.start();
  b.start();
  meet(a, b);
  for (int i = 0; i < 10; ++i)
    a.send("b", peer_lane::normal, std::string(100, 'x'));
  ASSERT_TRUE(eventually([&] {
    auto x = a.network->figures();
    return x.size() == 1 && x[0].frames_out == 10 && x[0].round_trip_us > 0;
  }));
  auto x = a.network->figures()[0];
  EXPECT_EQ(x.name, "b");
  EXPECT_EQ(x.address, "b.example:1");
  EXPECT_TRUE(x.up);
  EXPECT_EQ(x.bytes_out, 1000u);
  EXPECT_EQ(x.queued_bytes, 0u);
  EXPECT_EQ(x.sessions, 1u);
  ASSERT_TRUE(eventually([&] {
    auto y = b.network->figures();
    return y.size() == 1 && y[0].frames_in == 10 && y[0].bytes_in == 1000;
  }));
  b.network->stop();
  ASSERT_TRUE(eventually([&] { return !a.network->figures()[0].up; }));
}

TEST(link, a_restarted_peer_is_a_new_session) {
  link_node a{"a"}, b{"b"};
  a.start();
  b.start();
  meet(a, b);
  b.restart();
  meet(a, b);
  ASSERT_TRUE(eventually([&] { return a.sink->ups().size() == 2; }));
  EXPECT_EQ(a.sink->downs(), std::vector{a.sink->ups()[0]});
  EXPECT_EQ(a.sink->peers()[1].incarnation, b.self.incarnation);
  EXPECT_TRUE(a.send("b", peer_lane::normal, "hello again"));
  ASSERT_TRUE(eventually([&] { return b.sink->frame_count() == 1; }));
}

TEST(link, nothing_is_sent_on_a_session_that_is_over) {
  link_node a{"a"}, b{"b"};
  a.start();
  b.start();
  meet(a, b);
  auto old = a.sink->session();
  EXPECT_FALSE(a.network->send({}, peer_lane::normal, bytes("x")));
  a.network->reset(old);
  EXPECT_FALSE(a.network->send(old, peer_lane::normal, bytes("x")));
  ASSERT_TRUE(eventually([&] { return a.sink->ups().size() == 2; }));
  EXPECT_FALSE(a.network->send(old, peer_lane::normal, bytes("x")));
  EXPECT_EQ(a.sink->downs().front(), old);
}

TEST(link, a_frame_over_the_limit_is_not_queued) {
  auto conf = link_settings();
  conf.cluster.frame_bytes = 10'000;
  link_node a{"a", conf}, b{"b", conf};
  a.start();
  b.start();
  meet(a, b);
  EXPECT_FALSE(a.send("b", peer_lane::bulk, std::string(10'001, 'x')));
  EXPECT_TRUE(a.send("b", peer_lane::bulk, std::string(10'000, 'x')));
  ASSERT_TRUE(eventually([&] { return b.sink->frame_count() == 1; }));
}

TEST(link, nodes_that_dial_each_other_settle_on_one_session) {
  for (int round = 0; round < 100; ++round) {
    link_node a{"a"}, b{"b"};
    a.start();
    b.start();
    std::thread other{[&] { b.network->set_targets({a.address()}); }};
    a.network->set_targets({b.address()});
    other.join();
    ASSERT_TRUE(eventually(
      [&] { return a.sink->session().value && b.sink->session().value; }))
      << round;
    // A frame there and back on what they have: nothing is replaced by then.
    ASSERT_TRUE(a.send("b", peer_lane::urgent, "there"));
    ASSERT_TRUE(eventually([&] { return b.sink->frame_count() == 1; }))
      << round;
    ASSERT_TRUE(b.send("a", peer_lane::urgent, "back"));
    ASSERT_TRUE(eventually([&] { return a.sink->frame_count() == 1; }))
      << round;
    EXPECT_EQ(a.sink->ups().size(), 1u) << round;
    EXPECT_EQ(b.sink->ups().size(), 1u) << round;
  }
}

TEST(link, three_nodes_that_dial_all_addresses_form_a_mesh) {
  log_capture log;
  link_node a{"a"}, b{"b"}, c{"c"};
  std::vector<link_node*> all{&a, &b, &c};
  for (auto* x : all)
    x->start();
  // Their own addresses among them, by name, and some that are none. (A name
  // of 300 letters cannot be looked up, and no name server has to say so.)
  std::vector<std::string> targets{std::string(300, 'x') + ":1", "nonsense"};
  for (auto* x : all)
    targets.push_back("localhost:" + std::to_string(x->port));
  for (auto* x : all)
    x->network->set_targets(targets);
  for (auto* x : all)
    for (auto* y : all) {
      auto met = [&] { return x->sink->session_with(y->self.name).value != 0; };
      ASSERT_TRUE(x == y || eventually(met)) << x->self.name << y->self.name;
    }
  EXPECT_FALSE(a.sink->session_with("a").value);
  EXPECT_FALSE(log.has("no link with")) << log.text(); // not about itself
  EXPECT_TRUE(eventually([&] { return log.count("at nonsense") == 3; }));
  EXPECT_TRUE(eventually([&] { return log.count("reached at xxx") == 3; }));
}

TEST(link, a_node_that_joins_a_cluster_keeps_its_sessions) {
  link_node a{"a"}, b{"b"};
  a.start();
  b.start();
  meet(a, b);
  a.network->set_cluster("c-1");
  b.network->set_cluster("c-1");
  a.send("b", peer_lane::normal, "x");
  ASSERT_TRUE(eventually([&] { return b.sink->frame_count() == 1; }));
  EXPECT_TRUE(a.sink->downs().empty());
  a.network->reset(a.sink->session());
  ASSERT_TRUE(eventually([&] { return b.sink->peers().size() == 2; }));
  EXPECT_EQ(b.sink->peers()[1].cluster, "c-1");
}

TEST(link, nodes_that_join_different_clusters_part) {
  log_capture log;
  link_node a{"a"}, b{"b"};
  a.start();
  b.start();
  meet(a, b);
  a.network->set_cluster("c-1");
  b.network->set_cluster("c-2");
  ASSERT_TRUE(eventually([&] {
    return a.sink->downs().size() == 1 && b.sink->downs().size() == 1
           && log.has("it belongs to cluster");
  }));
}

TEST(link, stopping_while_busy_ends_everything) {
  for (int round = 0; round < 20; ++round) {
    link_node a{"a"}, b{"b"};
    a.start();
    b.start();
    meet(a, b);
    b.sink->count_only = true;
    auto session = a.sink->session();
    std::thread flood{[&] {
      for (int i = 0; i < 100'000; ++i)
        if (!a.network->send(session, peer_lane::bulk,
                             bytes(std::string(5000, 'x')))
            && a.sink->session().value == 0)
          return;
    }};
    ASSERT_TRUE(eventually([&] { return b.sink->frame_count() > 10; }));
    (round % 2 ? a : b).network->stop();
    auto seen = (round % 2 ? a : b).sink->frame_count();
    flood.join();
    EXPECT_EQ((round % 2 ? a : b).sink->frame_count(), seen);
    EXPECT_EQ((round % 2 ? a : b).sink->session().value, 0u);
  }
}

TEST(link, stopping_before_starting_and_twice_does_no_harm) {
  auto made = make_peer_network(link_settings());
  ASSERT_TRUE(made);
  (*made)->stop();
  link_node a{"a"};
  a.start();
  a.network->stop();
  a.network->stop();
  EXPECT_FALSE(a.network->send({1}, peer_lane::normal, bytes("x")));
}

TEST(link, an_address_that_cannot_be_had_is_said_at_once) {
  link_node a{"a"};
  a.start();
  auto conf = link_settings();
  conf.cluster.listen = a.address();
  auto made = make_peer_network(conf);
  ASSERT_TRUE(made);
  recording_sink sink;
  auto port = (*made)->start(identity("b"), sink);
  ASSERT_FALSE(port);
  EXPECT_EQ(port.error().code, errc::unavailable);
}

} // namespace
} // namespace callboard
