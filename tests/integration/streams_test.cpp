// Ephemeral events: passed on live and in order, never stored; a late joiner of
// a stream gets the text so far.

#include "tests/integration/live_node.hpp"

namespace callboard::test {

namespace {

class streams : public live_node {
protected:
  static std::string chunk_of(const ws_message& message) {
    return text(message.data.at("data").as_object(), "chunk");
  }

  static bool is_snapshot(const ws_message& message) {
    const auto* in_data
      = message.data.at("data").as_object().if_contains("snapshot");
    const auto* outside = message.data.if_contains("snapshot");
    return (in_data && *in_data == true) || (outside && *outside == true);
  }
};

constexpr std::string_view stream_type = "workflow:execution:step:stream";

} // namespace

TEST_F(streams, chunks_are_passed_on_live_in_order_without_seq) {
  publish(step_event("r", "s", {{"status", "running"}}));
  auto ws = viewer();
  ws.subscribe(room());
  for (int i = 0; i < 100; ++i) {
    const auto response
      = http.publish(project, stream_event("r", "s", std::to_string(i)));
    ASSERT_EQ(response.status / 100, 2) << response.body;
    const auto& result
      = response.object().at("results").as_array().at(0).as_object();
    EXPECT_FALSE(result.contains("seq"));
  }
  for (int i = 0; i < 100; ++i) {
    const auto message = ws.receive();
    ASSERT_EQ(message.type(), stream_type);
    EXPECT_EQ(chunk_of(message), std::to_string(i));
    EXPECT_FALSE(message.data.contains("seq"));
    EXPECT_EQ(message.data.at("ephemeral"), true);
    EXPECT_TRUE(message.data.contains("ts"));
  }
  EXPECT_EQ(history().size(), 1u) << "chunks are not stored";
}

TEST_F(streams, chunks_stay_in_order_with_the_rest_of_their_step) {
  auto ws = viewer();
  ws.subscribe(room());
  publish(json::array{step_event("r", "s", {{"status", "running"}}),
                      stream_event("r", "s", "a"), stream_event("r", "s", "b"),
                      step_event("r", "s", {{"status", "completed"}})});
  EXPECT_EQ(ws.receive().seq(), 1u);
  EXPECT_EQ(chunk_of(ws.receive()), "a");
  EXPECT_EQ(chunk_of(ws.receive()), "b");
  EXPECT_EQ(ws.receive().seq(), 2u);
}

TEST_F(streams, a_late_joiner_first_gets_the_text_so_far_then_goes_on_live) {
  publish(step_event("r", "s", {{"status", "running"}}));
  publish(json::array{stream_event("r", "s", "Hello, "),
                      stream_event("r", "s", "\"wörld\"\n")});
  auto ws = viewer();
  ws.subscribe(room());
  const auto snapshot = ws.receive_type(stream_type);
  EXPECT_TRUE(is_snapshot(snapshot)) << snapshot.text;
  EXPECT_EQ(chunk_of(snapshot), "Hello, \"wörld\"\n");
  EXPECT_EQ(snapshot.data.at("data").as_object().at("step_id"), "s");
  publish(stream_event("r", "s", "more"));
  const auto live = ws.receive_type(stream_type);
  EXPECT_FALSE(is_snapshot(live));
  EXPECT_EQ(chunk_of(live), "more");
}

TEST_F(streams, a_snapshot_is_the_last_64_kib_cut_between_characters) {
  publish(step_event("r", "s", {{"status", "running"}}));
  std::string all;
  for (int i = 0; i < 3000; ++i) {
    const auto chunk = "€" + std::to_string(i) + "ä" + std::string(20, 'x');
    all += chunk;
    ASSERT_EQ(http.publish(project, stream_event("r", "s", chunk)).status / 100,
              2);
  }
  auto ws = viewer();
  ws.subscribe(room());
  const auto got = chunk_of(ws.receive_type(stream_type));
  EXPECT_LE(got.size(), std::size_t{64} << 10);
  EXPECT_GT(got.size(), (std::size_t{64} << 10) - 64);
  EXPECT_TRUE(std::string_view{all}.ends_with(got));
}

TEST_F(streams, a_step_that_has_ended_has_no_snapshot) {
  publish(json::array{step_event("r", "s", {{"status", "running"}}),
                      stream_event("r", "s", "text"),
                      step_event("r", "s", {{"status", "completed"}})});
  auto ws = viewer();
  ws.subscribe(room());
  publish(custom_event("test:next", {}));
  EXPECT_EQ(ws.receive().type(), "test:next");
}

TEST_F(streams, joiners_see_the_whole_text_however_they_race_with_it) {
  publish(step_event("r", "s", {{"status", "running"}}));
  std::string sent;
  for (int i = 0; i < 30; ++i) {
    auto ws = viewer();
    ws.send({{"type", "subscribe"}, {"room", room()}});
    std::string expected_end;
    for (int k = 0; k < 5; ++k) {
      const auto chunk
        = "<" + std::to_string(i) + "." + std::to_string(k) + ">";
      publish(stream_event("r", "s", chunk));
      sent += chunk;
    }
    std::string seen;
    while (!std::string_view{seen}.ends_with("<" + std::to_string(i) + ".4>")) {
      const auto message = ws.receive_type(stream_type);
      seen
        = is_snapshot(message) ? chunk_of(message) : seen + chunk_of(message);
    }
    ASSERT_EQ(seen, sent) << "joiner " << i;
  }
}

TEST_F(streams, any_event_can_be_ephemeral) {
  auto ws = viewer();
  ws.subscribe(room());
  auto event = custom_event("test:cursor", {{"x", 1.5}});
  event["ephemeral"] = true;
  publish(event);
  const auto message = ws.receive();
  EXPECT_EQ(message.type(), "test:cursor");
  EXPECT_FALSE(message.data.contains("seq"));
  EXPECT_TRUE(history().empty());
}

TEST_F(streams, an_executions_viewer_gets_only_its_own_streams) {
  publish(json::array{step_event("r1", "s", {{"status", "running"}}),
                      step_event("r2", "s", {{"status", "running"}}),
                      stream_event("r1", "s", "old1"),
                      stream_event("r2", "s", "old2")});
  auto ws = viewer();
  ws.subscribe("execution:r2", {{"project_id", project}});
  const auto snapshot = ws.receive();
  EXPECT_EQ(chunk_of(snapshot), "old2");
  publish(
    json::array{stream_event("r1", "s", "a"), stream_event("r2", "s", "b")});
  EXPECT_EQ(chunk_of(ws.receive()), "b");
}

TEST_F(streams, a_bad_chunk_is_refused) {
  const auto response = http.publish_raw(
    project,
    R"({"type":"workflow:execution:step:stream","data":{"execution_id":"r"}})");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.object().at("pointer"), "/data/step_id");
}

} // namespace callboard::test
