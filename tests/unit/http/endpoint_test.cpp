// Client protocols with paths of their own: who may call them from a web page,
// and that a session is found again whichever connection asks for it.

#include "tests/unit/http/http_fixture.hpp"

namespace callboard::test {

namespace {

constexpr std::string_view origins = "https://a.example, https://b.example";
const std::string polling = "/socket.io/?EIO=4&transport=polling";

class endpoints : public http_test {
protected:
  void SetUp() override {
    auto conf = default_settings();
    conf.listen.cors_origin = origins;
    conf.listen.threads = 4;
    start(conf);
  }

  static std::string origin(std::string_view x) {
    return "Origin: " + std::string{x} + "\r\n";
  }
};

} // namespace

TEST_F(endpoints, pages_of_each_configured_origin_may_call_with_cookies) {
  for (auto x : {"https://a.example", "https://b.example"}) {
    auto reply = ask("GET", polling, "", origin(x), "");
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.header("access-control-allow-origin"), x);
    EXPECT_EQ(reply.header("access-control-allow-credentials"), "true");
    EXPECT_EQ(reply.header("vary"), "Origin");
  }
  auto other = ask("GET", polling, "", origin("https://c.example"), "");
  EXPECT_EQ(other.header("access-control-allow-origin"), "");
  EXPECT_EQ(other.header("access-control-allow-credentials"), "");
  auto route = ask("GET", "/healthz", "", origin("https://a.example"), "");
  EXPECT_EQ(route.header("access-control-allow-origin"), "https://a.example");
  EXPECT_EQ(route.header("access-control-allow-credentials"), "")
    << "routes take tokens, never cookies";
}

TEST_F(endpoints, a_preflight_grants_what_the_page_wants_to_send) {
  auto reply
    = ask("OPTIONS", "/hubs/workflow-execution/negotiate", "",
          origin("https://a.example")
            + "Access-Control-Request-Method: POST\r\n"
              "Access-Control-Request-Headers: x-signalr-user-agent\r\n",
          "");
  EXPECT_EQ(reply.status, 204);
  EXPECT_EQ(reply.header("access-control-allow-headers"),
            "x-signalr-user-agent");
  EXPECT_NE(reply.header("access-control-allow-methods").find("POST"),
            std::string::npos);
  auto other = ask("OPTIONS", "/hubs/workflow-execution/negotiate", "",
                   origin("https://c.example"), "");
  EXPECT_EQ(other.header("access-control-allow-origin"), "");
}

TEST_F(endpoints, any_connection_reaches_a_session_of_another_event_loop) {
  auto opened = ask("GET", polling, "", "", "");
  auto at = opened.body.find("\"sid\":\"") + 7;
  auto sid = opened.body.substr(at, opened.body.find('"', at) - at);
  auto session = polling + "&sid=" + sid;
  // CONNECT to a namespace that does not exist: answered by the next poll.
  for (int i = 0; i < 8; ++i) { // each on a connection of its own
    auto sent
      = ask("POST", session, "40/nowhere,", "Content-Type: text/plain\r\n", "");
    ASSERT_EQ(sent.status, 200) << sent.body;
    auto polled = ask("GET", session, "", "", "");
    ASSERT_EQ(polled.status, 200) << polled.body;
    EXPECT_NE(polled.body.find("44/nowhere,"), std::string::npos)
      << polled.body;
  }
}

TEST_F(endpoints, a_websocket_path_without_an_upgrade_is_told_so) {
  for (auto path : {"/ws", "/events", "/ws/events"}) {
    auto reply = ask("GET", path, "", "", "");
    EXPECT_EQ(reply.status, 400) << path;
    EXPECT_EQ(reply.member("code"), "invalid");
  }
}

TEST_F(endpoints, requests_of_one_connection_are_answered_in_order) {
  wire_client client{port_};
  client.send(text_of("GET", "/healthz", "", "", "")
              + text_of("GET", polling, "", "", "")
              + text_of("GET", "/healthz", "", "", ""));
  EXPECT_EQ(client.receive().header("content-type"), "application/json");
  EXPECT_NE(client.receive().body.find("\"sid\""), std::string::npos);
  EXPECT_EQ(client.receive().header("content-type"), "application/json");
}

} // namespace callboard::test
