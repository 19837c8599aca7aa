#include "tests/unit/ws/test_edge.hpp"

#include <gtest/gtest.h>

#include <string>
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
