#include "actors/model/json.hpp"

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

std::string custom_event(const std::string& id = {}) {
  return R"({"type":"test:event")" + (id.empty() ? "" : R"(,"id":")" + id + '"')
         + R"(,"data":{}})";
}

std::uint64_t seq_of(const std::string& frame) {
  auto at = frame.find("\"seq\":");
  return at == frame.npos ? 0 : std::stoull(frame.substr(at + 6));
}

TEST(websocket_session, greets_with_connected_first) {
  test_edge edge;
  auto client = edge.connect();
  auto first = *client.read();
  EXPECT_TRUE(first.starts_with(R"({"type":"connected","connectionId":")"));
  EXPECT_TRUE(has(first, R"("node":"test-node","protocol":"callboard.v1"})"));
}

TEST(websocket_session, joins_history_and_live_and_echoes_ref) {
  test_edge edge;
  edge.engine.post(room_p, {{}, {}, {}});
  auto client = edge.connect();
  client.send(
    R"({"type":"subscribe","room":"project:p","since":1,"ref":{"a": 1.0}})");
  EXPECT_EQ(client.read_type("subscribed"),
            R"({"type":"subscribed","room":"project:p","seq":3,"epoch":7,)"
            R"("ref":{"a": 1.0}})");
  EXPECT_EQ(seq_of(*client.read()), 2u);
  EXPECT_EQ(seq_of(*client.read()), 3u);
  edge.engine.post(room_p, {{}});
  EXPECT_EQ(seq_of(*client.read()), 4u);
}

TEST(websocket_session, subscribes_as_its_address_says) {
  test_edge edge;
  edge.engine.post(room_p, {{"a:x"}, {"b:x"}, {"a:x"}, {"a:y"}});
  auto client = edge.connect("/ws?projectId=p&since=0&types=a:*&batch=1");
  EXPECT_TRUE(has(client.read_type("subscribed"), "\"seq\":4"));
  auto batch = client.read_type("events");
  EXPECT_TRUE(batch.starts_with(
    R"({"type":"events","room":"project:p","events":[{"seq":1)"));
  EXPECT_FALSE(has(batch, "b:x"));
}

TEST(websocket_session, publishes_and_tells_results_in_order) {
  test_edge edge;
  auto client = edge.connect();
  client.send(R"({"type":"publish","project_id":"p","ref":7,"events":[)"
              + custom_event("one")
              + R"(,{"type":"Bad Type","id":"two","data":{}},)"
              + custom_event("three") + "]}");
  auto answer = client.read_type("published");
  EXPECT_TRUE(answer.starts_with(
    R"({"type":"published","ref":7,"results":[{"id":"one","seq":1},)"
    R"({"id":"two","error":{)"))
    << answer;
  EXPECT_TRUE(answer.ends_with(R"(},{"id":"three","seq":2}]})")) << answer;
}

TEST(websocket_session, answers_everything_that_was_sent_at_once) {
  test_edge edge;
  auto client = edge.connect("/ws?projectId=p");
  client.read_type("subscribed");
  for (int i = 0; i < 500; ++i)
    client.send(R"({"type":"publish","project_id":"p","ref":)"
                + std::to_string(i) + R"(,"events":[)" + custom_event() + "]}");
  int answers = 0;
  std::uint64_t events = 0;
  while (answers < 500 || events < 500) {
    auto text = *client.read();
    if (has(text, "\"published\""))
      EXPECT_TRUE(has(text, "\"ref\":" + std::to_string(answers++) + ","));
    else
      EXPECT_EQ(seq_of(text), ++events);
  }
}

TEST(websocket_session, stops_reading_while_too_much_is_unanswered) {
  settings conf;
  conf.limits.requests_in_flight = 4;
  test_edge edge{conf};
  edge.engine.hold_answers(true);
  auto client = edge.connect();
  for (int i = 0; i < 50; ++i)
    client.send(R"({"type":"publish","project_id":"p","events":[)"
                + custom_event() + "]}");
  client.send(R"({"type":"ping","ref":"end"})");
  edge.on_hub([&] { EXPECT_LE(edge.engine.head(room_p).value, 4u); });
  edge.engine.hold_answers(false);
  for (int i = 0; i < 50; ++i)
    client.read_type("published");
  EXPECT_TRUE(has(client.read_type("pong"), "end"));
}

TEST(websocket_session, runs_commands) {
  test_edge edge;
  auto client = edge.connect();
  client.send(
    R"({"type":"command","project_id":"p","execution_id":"e","command":)"
    R"("pause","reason":"lunch","ref":1})");
  EXPECT_EQ(client.read_type("done"),
            R"({"type":"done","ref":1,"result":{"status":"paused"}})");
  client.send(
    R"({"type":"command","project_id":"p","execution_id":"e","command":)"
    R"("input","step_id":"s","value":{"x": 1.0},"ref":2})");
  client.read_type("done");
  client.send(R"({"type":"command","project_id":"p","execution_id":"ended",)"
              R"("command":"pause","ref":3})");
  EXPECT_TRUE(has(client.read_type("error"), R"("ref":3,"code":"conflict")"));
  auto seen = edge.engine.commands();
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0].arguments.asked_by, "ann");
  EXPECT_EQ(seen[0].arguments.reason, "lunch");
  EXPECT_EQ(seen[1].arguments.value, R"({"x": 1.0})");
  EXPECT_EQ(seen[1].arguments.step.value, "s");
}

TEST(websocket_session, finds_the_project_of_an_execution) {
  test_edge edge;
  edge.engine.set_home({"e"}, {"p"});
  edge.engine.post(room_p, {{"a:x", "e"}, {"a:x", "other"}, {"a:x", "e"}});
  auto client = edge.connect();
  client.send(R"({"type":"subscribe","room":"execution:e","since":0})");
  EXPECT_TRUE(has(client.read_type("subscribed"), "execution:e"));
  EXPECT_EQ(seq_of(*client.read()), 1u);
  EXPECT_EQ(seq_of(*client.read()), 3u);
  client.send(R"({"type":"subscribe","room":"execution:nowhere","ref":9})");
  EXPECT_TRUE(has(client.read_type("error"), R"("ref":9,"code":"not_found")"));
}

TEST(websocket_session, refuses_bad_frames_and_goes_on) {
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

TEST(websocket_session, unsubscribing_ends_the_events) {
  test_edge edge;
  auto client = edge.connect("/ws?projectId=p");
  client.read_type("subscribed");
  client.send(R"({"type":"unsubscribe","room":"project:p","ref":1})");
  EXPECT_EQ(client.read_type("unsubscribed"),
            R"({"type":"unsubscribed","room":"project:p","ref":1})");
  edge.engine.post(room_p, {{}});
  client.send(R"({"type":"ping"})");
  EXPECT_TRUE(has(*client.read(), "pong"));
}

TEST(websocket_session, walls_off_what_the_token_does_not_reach) {
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

TEST(websocket_session, needs_the_scope_for_what_it_does) {
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

TEST(websocket_session, closes_with_1008_without_a_good_token) {
  test_edge edge;
  auto none = edge.connect_with({});
  EXPECT_TRUE(has(none.read_type("error"), "unauthenticated"));
  EXPECT_EQ(none.close_code(), 1008);
  auto bad = edge.connect_with({.token = "abc"});
  EXPECT_EQ(bad.close_code(), 1008);
}

TEST(websocket_session, takes_the_token_from_query_header_and_subprotocol) {
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

TEST(websocket_session, closes_with_4401_when_the_token_expires) {
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

TEST(websocket_session, a_renewed_token_keeps_it_alive) {
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

TEST(websocket_session, a_renewed_token_may_reach_less) {
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

TEST(websocket_session, binary_frames_close_with_1003) {
  test_edge edge;
  auto client = edge.connect();
  client.send_binary("abc");
  EXPECT_EQ(client.close_code(), 1003);
}

TEST(websocket_session, bad_utf8_closes_with_1007) {
  test_edge edge;
  auto client = edge.connect();
  client.send("{\"type\":\"\xff\xfe\"}");
  EXPECT_EQ(client.close_code(), 1007);
}

TEST(websocket_session, oversized_messages_close_with_1009) {
  settings conf;
  conf.limits.message_bytes = 1000;
  test_edge edge{conf};
  auto client = edge.connect();
  client.send(R"({"type":"ping","ref":")" + std::string(950, 'x') + "\"}");
  client.read_type("pong");
  client.send(std::string(1001, ' '));
  EXPECT_EQ(client.close_code(), 1009);
}

TEST(websocket_session, broken_framing_closes_with_1002) {
  test_edge edge;
  auto client = edge.connect();
  client.send_raw(std::string(14, static_cast<char>(0xff))); // reserved bits
  EXPECT_EQ(client.close_code(), 1002);
}

TEST(websocket_session, takes_messages_in_pieces_and_large_ones) {
  test_edge edge;
  auto client = edge.connect();
  std::string large(300'000, 'x');
  client.send_in_pieces(R"({"type":"ping","ref":")" + large + "\"}", 7'000);
  EXPECT_TRUE(has(client.read_type("pong"), large));
  client.send_in_pieces(R"({"type":"ping","ref":1})", 1);
  EXPECT_EQ(client.read_type("pong"), R"({"type":"pong","ref":1})");
}

TEST(websocket_session, answers_pings_and_goodbyes) {
  test_edge edge;
  auto client = edge.connect();
  client.ping();
  client.send(R"({"type":"ping"})");
  client.read_type("pong");
  EXPECT_EQ(client.pongs(), 1u);
  client.close();
  auto deadline = std::chrono::steady_clock::now() + 5s;
  while (edge.metrics.websocket_sessions != 0
         && std::chrono::steady_clock::now() < deadline)
    edge.on_hub([] {});
  EXPECT_EQ(edge.metrics.websocket_sessions, 0u);
}

TEST(websocket_session, a_silent_peer_is_dropped_with_4408) {
  settings conf;
  conf.listen.idle_timeout = 1500ms;
  conf.listen.ping_interval = 60s;
  test_edge edge{conf};
  auto client = edge.connect();
  client.read_type("connected");
  EXPECT_EQ(client.close_code(), 4408);
}

TEST(websocket_session, pings_keep_a_listening_peer_alive) {
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

TEST(websocket_session, has_a_limit_of_subscriptions) {
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

TEST(websocket_session, a_slow_viewer_loses_nothing_and_stays_bounded) {
  settings conf;
  conf.limits.outbound_queue_bytes = 64u << 10;
  test_edge edge{conf};
  auto slow = edge.connect_with({.target = "/ws?projectId=p&since=0",
                                 .token = edge.token(),
                                 .receive_buffer = 4096});
  slow.read_type("subscribed");
  constexpr std::uint64_t total = 20'000;
  fake_engine::draft event{"test:event", "r", std::string(1000, 'x'), false};
  for (std::uint64_t i = 0; i < total; i += 20)
    edge.engine.post(room_p, std::vector<fake_engine::draft>(20, event));
  std::size_t queued = 0;
  bool lagging = false;
  edge.on_hub([&] {
    for (auto& x : edge.home->sessions()) {
      queued += x->describe().queue_bytes;
      lagging = lagging || x->describe().lagging;
    }
  });
  EXPECT_LE(queued, 128u << 10);
  EXPECT_TRUE(lagging);
  bool told = false;
  std::uint64_t got = 0;
  while (got < total) {
    auto text = *slow.read();
    if (text.starts_with(
          R"({"type":"lagged","room":"project:p","from_seq":)")) {
      told = true;
      continue;
    }
    ASSERT_EQ(seq_of(text), ++got);
  }
  EXPECT_TRUE(told);
}

TEST(websocket_session, says_goaway_when_the_node_drains) {
  test_edge edge;
  auto client = edge.connect();
  client.read_type("connected");
  edge.on_hub([&] {
    for (auto& x : edge.home->sessions())
      x->drain(1000ms);
  });
  auto text = client.read_type("goaway");
  EXPECT_TRUE(has(text, "\"reconnect_in_ms\":"));
  EXPECT_EQ(client.close_code(), 1012);
}

TEST(websocket_session, answers_what_is_under_way_before_it_drains) {
  test_edge edge;
  edge.engine.hold_answers(true);
  auto client = edge.connect();
  client.send(R"({"type":"publish","project_id":"p","events":[)"
              + custom_event() + "]}");
  auto deadline = std::chrono::steady_clock::now() + 5s;
  while (edge.engine.head(room_p).value == 0
         && std::chrono::steady_clock::now() < deadline)
    edge.on_hub([] {});
  edge.on_hub([&] {
    for (auto& x : edge.home->sessions())
      x->drain(1000ms);
  });
  client.read_type("goaway");
  edge.engine.hold_answers(false);
  client.read_type("published");
  EXPECT_EQ(client.close_code(), 1012);
}

TEST(websocket_session, a_viewer_that_never_reads_again_is_dropped) {
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

TEST(websocket_session, an_operator_closes_it) {
  test_edge edge;
  auto client = edge.connect("/ws?projectId=p");
  client.read_type("subscribed");
  edge.on_hub([&] {
    auto all = edge.home->sessions();
    ASSERT_EQ(all.size(), 1u);
    auto x = all.front()->describe();
    EXPECT_EQ(x.user, "ann");
    EXPECT_EQ(x.transport, "websocket");
    EXPECT_EQ(x.rooms, std::vector<std::string>{"project:p"});
    all.front()->close();
  });
  EXPECT_EQ(client.close_code(), 1001);
}

} // namespace
} // namespace callboard
