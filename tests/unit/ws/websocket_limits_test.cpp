#include "tests/unit/ws/test_edge.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace callboard {
namespace {

using test::fake_engine;
using test::test_edge;
using test::ws_client;
using namespace std::chrono_literals;

const room_key room_p{{"acme"}, {"p"}};

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != text.npos;
}

std::uint64_t seq_of(const std::string& frame) {
  auto at = frame.find("\"seq\":");
  return at == frame.npos ? 0 : std::stoull(frame.substr(at + 6));
}

TEST(websocket_limits, refuses_bad_frames_and_goes_on) {
  test_edge edge;
  auto client = edge.connect();
  for (auto* bad :
       {"{", "[]", "7", "{}", R"({"type":7})", R"({"type":"dance","ref":1})",
        R"({"type":"subscribe"})", R"({"type":"subscribe","room":"house:1"})",
        R"({"type":"subscribe","room":"project:p","since":-1})",
        R"({"type":"subscribe","room":"project:p","types":"x"})",
        R"({"type":"publish","project_id":"p"})",
        R"({"type":"publish","events":[]})",
        R"({"type":"presence","room":"x"})",
        R"({"type":"command","project_id":"p","command":"jump"})",
        R"({"type":"a","type":"b"})"}) {
    client.send(bad);
    EXPECT_TRUE(has(client.read_type("error"), R"("code":"invalid")")) << bad;
  }
  client.send(R"({"type":"dance"})");
  EXPECT_TRUE(
    has(client.read_type("error"), "subscribe, unsubscribe, publish"));
  client.send(R"({"type":"unsubscribe","room":"project:p"})");
  EXPECT_TRUE(has(client.read_type("error"), "not_found"));
  client.send(R"({"type":"ping"})");
  EXPECT_EQ(client.read_type("pong"), R"({"type":"pong"})");
}

TEST(websocket_limits, walls_off_what_the_token_does_not_reach) {
  test_edge edge;
  authenticator::claims claims;
  claims.scope = "publish subscribe";
  claims.projects = {"mine"};
  auto client = edge.connect_with({.token = edge.token(claims)});
  for (
    auto* text :
    {R"({"type":"subscribe","room":"project:p"})",
     R"({"type":"subscribe","room":"tenant:other"})",
     R"({"type":"subscribe","room":"execution:e","project_id":"p"})",
     R"({"type":"publish","project_id":"p","events":[]})",
     R"({"type":"command","project_id":"p","execution_id":"e","command":"pause"})"}) {
    client.send(text);
    EXPECT_TRUE(has(client.read_type("error"), R"("code":"forbidden")"))
      << text;
  }
  auto at_once = edge.connect_with(
    {.target = "/ws?projectId=p", .token = edge.token(claims)});
  EXPECT_TRUE(has(at_once.read_type("error"), "forbidden"));
  EXPECT_EQ(at_once.close_code(), 4403);
}

TEST(websocket_limits, needs_the_scope_for_what_it_does) {
  test_edge edge;
  auto reader = edge.connect_with({.token = edge.token("subscribe")});
  reader.send(R"({"type":"publish","project_id":"p","events":[]})");
  EXPECT_TRUE(has(reader.read_type("error"), "scope publish"));
  auto writer = edge.connect_with({.token = edge.token("publish")});
  writer.send(R"({"type":"subscribe","room":"project:p"})");
  EXPECT_TRUE(has(writer.read_type("error"), "scope subscribe"));
  writer.send(R"({"type":"ping"})");
  writer.read_type("pong");
}

TEST(websocket_limits, closes_with_1008_without_a_good_token) {
  test_edge edge;
  auto none = edge.connect_with({});
  EXPECT_TRUE(has(none.read_type("error"), "unauthenticated"));
  EXPECT_EQ(none.close_code(), 1008);
  auto bad = edge.connect_with({.token = "abc"});
  EXPECT_EQ(bad.close_code(), 1008);
}

TEST(websocket_limits, takes_the_token_from_query_header_and_subprotocol) {
  test_edge edge;
  auto token = edge.token();
  auto query = edge.connect_with({.target = "/ws?access_token=" + token});
  query.read_type("connected");
  auto header = edge.connect_with({.authorization = "Bearer " + token});
  header.read_type("connected");
  auto bearer = edge.connect_with({.subprotocols = "bearer." + token});
  bearer.read_type("connected");
  EXPECT_EQ(bearer.subprotocol(), "bearer." + token);
  auto both
    = edge.connect_with({.subprotocols = "callboard.v1, bearer." + token});
  both.read_type("connected");
  EXPECT_EQ(both.subprotocol(), "callboard.v1");
}

TEST(websocket_limits, closes_with_4401_when_the_token_expires) {
  test_edge edge;
  authenticator::claims claims;
  claims.scope = "subscribe";
  claims.lifetime = 2s;
  auto client = edge.connect_with({.token = edge.token(claims)});
  EXPECT_TRUE(has(client.read_type("expiring"), "\"in_s\":"));
  EXPECT_EQ(client.close_code(), 4401);
  claims.lifetime = -10s;
  auto late = edge.connect_with({.token = edge.token(claims)});
  EXPECT_EQ(late.close_code(), 4401);
}

TEST(websocket_limits, a_renewed_token_keeps_it_alive) {
  test_edge edge;
  authenticator::claims claims;
  claims.scope = "subscribe";
  claims.lifetime = 2s;
  auto client = edge.connect_with({.token = edge.token(claims)});
  client.read_type("expiring");
  claims.subject = "bob";
  client.send(R"({"type":"auth","token":")" + edge.token(claims) + "\"}");
  EXPECT_TRUE(has(client.read_type("error"), "forbidden"));
  client.send(R"({"type":"auth","token":"nonsense"})");
  EXPECT_TRUE(has(client.read_type("error"), "unauthenticated"));
  client.send(R"({"type":"auth","ref":1,"token":")" + edge.token("subscribe")
              + "\"}");
  EXPECT_EQ(client.read_type("authenticated"),
            R"({"type":"authenticated","ref":1})");
}

TEST(websocket_limits, a_renewed_token_may_reach_less) {
  test_edge edge;
  auto client = edge.connect("/ws?projectId=p");
  client.read_type("subscribed");
  authenticator::claims claims;
  claims.scope = "subscribe";
  claims.projects = {"q"};
  client.send(R"({"type":"auth","token":")" + edge.token(claims) + "\"}");
  EXPECT_EQ(
    client.read_type("unsubscribed"),
    R"({"type":"unsubscribed","room":"project:p","reason":"forbidden"})");
}

TEST(websocket_limits, binary_frames_close_with_1003) {
  test_edge edge;
  auto client = edge.connect();
  client.send_binary("abc");
  EXPECT_EQ(client.close_code(), 1003);
}

TEST(websocket_limits, bad_utf8_closes_with_1007) {
  test_edge edge;
  auto client = edge.connect();
  client.send("{\"type\":\"\xff\xfe\"}");
  EXPECT_EQ(client.close_code(), 1007);
}

TEST(websocket_limits, oversized_messages_close_with_1009) {
  settings conf;
  conf.limits.message_bytes = 1000;
  test_edge edge{conf};
  auto client = edge.connect();
  client.send(R"({"type":"ping","ref":")" + std::string(950, 'x') + "\"}");
  client.read_type("pong");
  client.send(std::string(1001, ' '));
  EXPECT_EQ(client.close_code(), 1009);
}

TEST(websocket_limits, broken_framing_closes_with_1002) {
  test_edge edge;
  auto client = edge.connect();
  client.send_raw(std::string(14, static_cast<char>(0xff))); // reserved bits
  EXPECT_EQ(client.close_code(), 1002);
}

TEST(websocket_limits, a_silent_peer_is_dropped_with_4408) {
  settings conf;
  conf.listen.idle_timeout = 1500ms;
  conf.listen.ping_interval = 60s;
  test_edge edge{conf};
  auto client = edge.connect();
  client.read_type("connected");
  EXPECT_EQ(client.close_code(), 4408);
}

TEST(websocket_limits, pings_keep_a_listening_peer_alive) {
  settings conf;
  conf.listen.idle_timeout = 2'500ms;
  conf.listen.ping_interval = 1s;
  test_edge edge{conf};
  auto client = edge.connect("/ws?projectId=p");
  client.read_type("subscribed");
  // Four pings take longer than the idle time-out.
  std::thread later{[&] {
    auto deadline = std::chrono::steady_clock::now() + 20s;
    while (edge.metrics.frames_out < 7
           && std::chrono::steady_clock::now() < deadline)
      edge.on_hub([] {});
    edge.engine.post(room_p, {{}});
  }};
  EXPECT_EQ(seq_of(*client.read()), 1u);
  later.join();
}

TEST(websocket_limits, has_a_limit_of_subscriptions) {
  settings conf;
  conf.limits.subscriptions = 2;
  test_edge edge{conf};
  auto client = edge.connect();
  auto subscribe = [&](const std::string& p) {
    client.send(R"({"type":"subscribe","room":"project:)" + p + "\"}");
  };
  subscribe("a");
  subscribe("b");
  subscribe("c");
  EXPECT_TRUE(has(client.read_type("error"), "at most 2 subscriptions"));
  subscribe("b"); // takes the old one's place
  client.read_type("subscribed");
}

TEST(websocket_limits, a_viewer_that_never_reads_again_is_dropped) {
  settings conf;
  conf.listen.idle_timeout = 1s;
  test_edge edge{conf};
  auto dead = edge.connect_with({.target = "/ws?projectId=p",
                                 .token = edge.token(),
                                 .receive_buffer = 4096});
  dead.read_type("subscribed");
  fake_engine::draft event{"test:event", "r", std::string(10'000, 'x'), false};
  edge.engine.post(room_p, std::vector<fake_engine::draft>(2'000, event));
  auto deadline = std::chrono::steady_clock::now() + 30s;
  while (edge.metrics.websocket_sessions != 0
         && std::chrono::steady_clock::now() < deadline)
    edge.on_hub([] {});
  EXPECT_EQ(edge.metrics.websocket_sessions, 0u);
  EXPECT_EQ(edge.metrics.queued_bytes, 0u);
}

} // namespace
} // namespace callboard
