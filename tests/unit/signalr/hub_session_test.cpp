#include "transport/edge_metrics.hpp"
#include "transport/signalr/hub_session.hpp"
#include "transport/viewer_rooms.hpp"

#include "tests/unit/ws/fake_engine.hpp"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace callboard::signalr {

namespace {

using namespace std::chrono_literals;
using strings = std::vector<std::string>;
using test::fake_engine;

/// A client that reads as much as the test lets it.
class fake_link final : public hub_link {
public:
  explicit fake_link(transport_kind kind) : kind_{kind} {
    // nop
  }

  transport_kind kind() const noexcept override {
    return kind_;
  }
  bool has_room() const noexcept override {
    return room > 0;
  }
  void send(const frame_ptr& x) override {
    x->for_each_message([this](std::string_view text, bool) {
      room -= room > 0 ? 1 : 0;
      got.emplace_back(text.substr(0, text.size() - 1)); // the separator
    });
  }
  void flush() override {
    // nop
  }
  void wake() override {
    ++wakes;
  }
  void close(close_code code, std::string_view) override {
    closed = code;
  }

  strings take() {
    return std::exchange(got, {});
  }

  int room = 1000; ///< Messages.
  int wakes = 0;
  strings got;
  std::optional<close_code> closed;

private:
  transport_kind kind_;
};

/// Hands the fake engine's answers to the hub.
struct hub_sink final : edge_sink {
  void answers(hub_id, std::vector<answer> xs) override {
    to->deliver(std::move(xs));
  }
  void room(hub_id, std::vector<room_signal> xs) override {
    to->deliver(std::move(xs));
  }
  void admin(const reply_address&, admin_request) override {
    // nop
  }
  hub* to = nullptr;
};

class hub_session_test : public testing::Test {
protected:
  hub_session_test()
      : auth{*authenticator::create(conf.auth)},
        home{hub_id{0}, conf, auth, metrics}, engine{sink} {
    sink.to = &home;
    home.attach(engine);
    engine.set_home({"r1"}, {"a"});
  }

  static settings test_settings() {
    settings x;
    x.auth.secret = "unit-tests-use-this-secret-0123456789";
    x.signalr.reconnect_buffer_bytes = 200;
    return x;
  }

  /// A session of tenant `acme` with that link, after the handshake.
  void open(fake_link& link, bool stateful = false) {
    principal who;
    who.tenant = {"acme"};
    who.subject = "u";
    who.may_subscribe = who.may_publish = true;
    who.expires = expires;
    hub_session::origin from;
    from.stateful = stateful;
    session = std::make_shared<hub_session>(
      home, std::move(who), std::move(from), [this] { ++ended; });
    session->start();
    session->choose(link.kind());
    session->attach(link);
    session->receive(stateful ? "{\"protocol\":\"json\",\"version\":2}\x1e"
                              : "{\"protocol\":\"json\",\"version\":1}\x1e");
    ASSERT_EQ(link.take(), (strings{"{}"}));
  }

  void call(const std::string& id, const std::string& target,
            const std::string& arguments) {
    session->receive(R"({"type":1,"invocationId":")" + id + R"(","target":")"
                     + target + R"(","arguments":)" + arguments + "}\x1e");
  }

  /// Lets the hub do all that it has to do now.
  void settle() {
    home.io().restart();
    home.io().poll();
    session->pump();
  }

  settings conf = test_settings();
  std::optional<std::chrono::system_clock::time_point> expires;
  authenticator auth;
  edge_metrics metrics;
  hub home;
  hub_sink sink;
  fake_engine engine;
  fake_link socket{transport_kind::websocket};
  std::shared_ptr<hub_session> session;
  int ended = 0;
};

std::string refused(const std::string& id, const std::string& why) {
  return R"({"type":3,"invocationId":")" + id + R"(","error":")" + why + "\"}";
}

std::string done(const std::string& id) {
  return R"({"type":3,"invocationId":")" + id + R"(","result":null})";
}

const std::string close_to_come_again = R"({"type":7,"allowReconnect":true})";

} // namespace

TEST_F(hub_session_test, a_group_is_joined_once_the_room_is) {
  open(socket);
  call("1", "SubscribeToExecution", R"(["r1"])");
  session->pump();
  EXPECT_EQ(socket.take(), strings{}) << "before the engine has answered";
  settle();
  EXPECT_EQ(socket.take(), (strings{done("1")}));
  EXPECT_EQ(session->room_names(), (strings{"execution-r1"}));
  call("2", "SubscribeToExecution", R"(["r1"])");
  call("3", "SubscribeToExecution", R"(["r2"])");
  settle();
  EXPECT_EQ(socket.take(), (strings{done("2"), refused("3", "not found")}));
  call("4", "UnsubscribeFromExecution", R"(["r1"])");
  settle();
  EXPECT_EQ(socket.take(), (strings{done("4")}));
  EXPECT_EQ(session->room_names(), strings{});
}

TEST_F(hub_session_test, two_who_join_at_once_are_both_answered) {
  open(socket);
  call("1", "SubscribeToExecution", R"(["r1"])");
  call("2", "SubscribeToExecution", R"(["r1"])");
  settle();
  EXPECT_EQ(socket.take(), (strings{done("1"), done("2")}));
  EXPECT_EQ(session->subscription_count(), 1u);
}

TEST_F(hub_session_test, leaving_while_joining_ends_outside) {
  open(socket);
  call("1", "SubscribeToExecution", R"(["r1"])");
  call("2", "UnsubscribeFromExecution", R"(["r1"])");
  settle();
  EXPECT_EQ(socket.take(),
            (strings{refused("1", "unsubscribed meanwhile"), done("2")}));
  EXPECT_EQ(session->subscription_count(), 0u);
}

TEST_F(hub_session_test, what_the_link_has_no_room_for_waits) {
  open(socket);
  socket.room = 1;
  for (auto id : {"1", "2", "3"})
    call(id, "UnsubscribeFromExecution", R"(["r1"])");
  session->pump();
  EXPECT_EQ(socket.take(), (strings{done("1")}));
  socket.room = 9;
  session->pump();
  EXPECT_EQ(socket.take(), (strings{done("2"), done("3")}));
}

TEST_F(hub_session_test, a_lost_socket_ends_it) {
  open(socket);
  session->detach(socket);
  EXPECT_EQ(ended, 1);
  EXPECT_TRUE(session->is_over());
}

TEST_F(hub_session_test, with_stateful_reconnect_it_goes_on_over_another) {
  open(socket, true);
  call("1", "UnsubscribeFromExecution", R"(["r1"])");
  call("2", "UnsubscribeFromExecution", R"(["r1"])");
  session->pump();
  EXPECT_EQ(socket.take(), (strings{done("1"), done("2")}));
  session->receive("{\"type\":8,\"sequenceId\":1}\x1e");
  session->detach(socket);
  EXPECT_EQ(ended, 0);
  fake_link other{transport_kind::websocket};
  session->attach(other);
  EXPECT_EQ(other.take(), (strings{R"({"type":9,"sequenceId":2})", done("2")}));
  session->receive("{\"type\":9,\"sequenceId\":1}\x1e");
  for (auto id : {"1", "2", "3"}) // the first two were heard before
    call(id, "UnsubscribeFromExecution", R"(["r1"])");
  session->pump();
  EXPECT_EQ(other.take(), (strings{done("3")}));
}

TEST_F(hub_session_test, what_is_not_acknowledged_is_bounded) {
  open(socket, true);
  for (int i = 1; i <= 20; ++i)
    call(std::to_string(i), "UnsubscribeFromExecution", R"(["r1"])");
  session->pump();
  auto first = socket.take().size();
  EXPECT_LT(first, 10u);
  EXPECT_GT(first, 2u);
  session->receive("{\"type\":8,\"sequenceId\":" + std::to_string(first)
                   + "}\x1e");
  session->pump();
  EXPECT_EQ(socket.take().size(), first);
}

TEST_F(hub_session_test, a_client_that_stays_away_is_forgotten) {
  open(socket, true);
  session->detach(socket);
  auto now = std::chrono::steady_clock::now();
  session->tick(now + 29s);
  EXPECT_EQ(ended, 0);
  session->tick(now + 31s);
  EXPECT_EQ(ended, 1);
  EXPECT_EQ(metrics.signalr_abandoned, 1u);
}

TEST_F(hub_session_test, an_expired_token_ends_it_with_leave_to_come_again) {
  expires = std::chrono::system_clock::now() + 1h;
  open(socket);
  auto now = std::chrono::steady_clock::now();
  session->tick(now);
  EXPECT_FALSE(socket.closed);
  principal late = session->who();
  late.expires = std::chrono::system_clock::now() - 1s;
  session->renew(late);
  session->tick(now);
  EXPECT_EQ(
    socket.take(),
    (strings{R"({"type":7,"error":"Token expired.","allowReconnect":true})"}));
  EXPECT_EQ(socket.closed, close_code::token_expired);
}

TEST_F(hub_session_test, a_token_that_reaches_less_leaves_groups) {
  open(socket);
  call("1", "SubscribeToExecution", R"(["r1"])");
  settle();
  auto less = session->who();
  less.restricted = true;
  session->renew(less);
  EXPECT_EQ(session->room_names(), strings{});
}

TEST_F(hub_session_test,
       a_draining_node_answers_what_was_asked_and_says_close) {
  open(socket);
  call("1", "SubscribeToExecution", R"(["r2"])");
  session->announce_end();
  EXPECT_FALSE(session->is_over());
  settle();
  EXPECT_EQ(socket.take(),
            (strings{refused("1", "not found"), close_to_come_again}));
  EXPECT_EQ(socket.closed, close_code::restart);
}

TEST_F(hub_session_test, a_draining_node_does_not_wait_for_ever) {
  open(socket);
  call("1", "SubscribeToExecution", R"(["r2"])");
  session->announce_end();
  session->tick(std::chrono::steady_clock::now() + 2s);
  EXPECT_EQ(socket.take(), (strings{close_to_come_again}));
}

TEST_F(hub_session_test, is_counted_while_it_lives) {
  open(socket);
  EXPECT_EQ(metrics.signalr_connections, 1u);
  session->detach(socket);
  home.io().restart();
  home.io().poll();
  session.reset();
  EXPECT_EQ(metrics.signalr_connections, 0u);
}

} // namespace callboard::signalr
