// SIGTERM: goaway, no new work, what is under way is finished, exit 0.

#include "tests/integration/live_node.hpp"

#include <csignal>
#include <thread>

namespace callboard::test {

TEST(draining,
     viewers_are_told_to_go_and_closed_with_1012_and_the_node_ends_with_0) {
  node_process node;
  std::vector<ws_client> viewers;
  for (int i = 0; i < 20; ++i) {
    viewers.emplace_back(node.port(),
                         ws_client::options{.token = make_token({})});
    viewers.back().subscribe("project:p");
  }
  node.terminate();
  std::set<std::uint64_t> delays;
  for (auto& ws : viewers) {
    const auto goaway = ws.receive_type("goaway");
    delays.insert(number(goaway.data, "reconnect_in_ms"));
    EXPECT_EQ(ws.wait_close(), 1012);
  }
  EXPECT_GT(delays.size(), 1u) << "spread, so that not all come back at once";
  EXPECT_EQ(node.wait_exit(), 0) << node.standard_error();
}

TEST(draining, sigint_is_the_same) {
  node_process node;
  node.send_signal(SIGINT);
  EXPECT_EQ(node.wait_exit(), 0);
}

TEST(draining, an_idle_node_ends_within_a_moment) {
  node_process node;
  const auto begin = steady::now();
  node.terminate();
  EXPECT_EQ(node.wait_exit(), 0);
  EXPECT_LT(steady::now() - begin, std::chrono::seconds{5});
}

TEST(draining,
     what_was_acknowledged_while_draining_is_there_after_the_restart) {
  node_process node;
  std::vector<std::thread> producers;
  std::array<std::uint64_t, 4> accepted{};
  for (std::size_t i = 0; i < accepted.size(); ++i) {
    producers.emplace_back([&, i] {
      http_client http{node.port(), make_token({})};
      try {
        for (;;) {
          const auto response = http.publish("p", custom_event("test:a", {}));
          if (response.status == 503)
            return;
          EXPECT_EQ(response.status / 100, 2) << response.body;
          ++accepted[i];
        }
      } catch (const connection_lost&) {
        // drained
      } catch (const std::exception& x) {
        ADD_FAILURE() << x.what();
      }
    });
  }
  http_client probe{node.port(), make_token({})};
  EXPECT_TRUE(eventually([&] { return read_history(probe, "p").size() > 50; }));
  node.terminate();
  EXPECT_EQ(node.wait_exit(), 0) << node.standard_error();
  for (auto& thread : producers)
    thread.join();
  node.restart();
  http_client again{node.port(), make_token({})};
  const auto stored = read_history(again, "p").size();
  const auto acknowledged
    = accepted[0] + accepted[1] + accepted[2] + accepted[3];
  EXPECT_GE(stored, acknowledged);
  EXPECT_LE(stored, acknowledged + accepted.size())
    << "at most one each in flight";
}

TEST(draining, a_viewer_that_does_not_read_cannot_hold_it_up) {
  node_process node{{.env = {{"CALLBOARD_LISTEN_DRAIN_TIMEOUT", "2s"}}}};
  http_client http{node.port(), make_token({})};
  ws_client stuck{
    node.port(),
    {.token = make_token({}), .socket = {.receive_buffer = 4 * 1024}}};
  stuck.subscribe("project:p");
  for (int i = 0; i < 100; ++i)
    http.publish("p",
                 custom_event("test:big", {{"x", std::string(100'000, 'x')}}));
  node.terminate();
  EXPECT_EQ(node.wait_exit(std::chrono::seconds{12}), 0);
}

} // namespace callboard::test
