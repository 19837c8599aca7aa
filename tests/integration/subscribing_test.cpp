// WebSocket subscriptions: rooms, positions, filters, batches, and the messages
// around them.

#include "tests/integration/live_node.hpp"

#include <algorithm>

namespace callboard::test {

namespace {

class subscribing : public live_node {
protected:
  void publish_numbers(int first, int count) {
    json::array events;
    for (int i = first; i < first + count; ++i)
      events.push_back(custom_event("test:n", {{"n", i}}));
    publish(events);
  }

  static void expect_numbers(ws_client& ws, std::uint64_t first,
                             std::uint64_t last) {
    for (auto seq = first; seq <= last; ++seq) {
      const auto message = ws.receive();
      ASSERT_EQ(message.seq(), seq) << message.text;
    }
  }
};

} // namespace

TEST_F(subscribing, the_first_frame_says_who_and_where) {
  ws_client ws{node().port(), {.token = http.token()}};
  const auto first = ws.receive();
  EXPECT_EQ(first.type(), "connected");
  for (const auto* key : {"connectionId", "node", "protocol"})
    EXPECT_TRUE(first.data.contains(key)) << key;
}

TEST_F(subscribing, the_token_may_come_in_three_ways) {
  for (const auto place :
       {ws_client::token_in::query, ws_client::token_in::header,
        ws_client::token_in::subprotocol}) {
    ws_client ws{node().port(), {.token = http.token(), .place = place}};
    EXPECT_EQ(ws.receive().type(), "connected");
    if (place == ws_client::token_in::subprotocol) {
      EXPECT_EQ(ws.subprotocol(), "bearer." + http.token())
        << "browsers insist that one of the offered is chosen";
    }
  }
}

TEST_F(subscribing, live_events_arrive_as_they_are_stored) {
  auto ws = viewer();
  const auto subscribed = ws.subscribe(room());
  EXPECT_EQ(subscribed.type(), "subscribed");
  EXPECT_EQ(text(subscribed.data, "room"), room());
  EXPECT_EQ(number(subscribed.data, "seq"), 0u);
  EXPECT_TRUE(subscribed.data.contains("epoch"));
  publish(with_id(run_event("r", {{"status", "running"}, {"x", 1}}), "e1"));
  const auto message = ws.receive();
  EXPECT_EQ(message.data, history().at(0));
}

TEST_F(subscribing, without_since_only_what_comes_next_is_sent) {
  publish_numbers(0, 5);
  auto ws = viewer();
  EXPECT_EQ(number(ws.subscribe(room()).data, "seq"), 5u);
  publish_numbers(5, 3);
  expect_numbers(ws, 6, 8);
}

TEST_F(subscribing, with_since_the_missed_comes_first) {
  publish_numbers(0, 2500);
  for (const auto since : {0u, 1u, 1234u, 2499u, 2500u}) {
    auto ws = viewer();
    EXPECT_EQ(number(ws.subscribe(room(), {{"since", since}}).data, "seq"),
              2500u);
    expect_numbers(ws, since + 1, 2500);
    EXPECT_FALSE(ws.try_receive(std::chrono::milliseconds{20}));
  }
}

TEST_F(subscribing, a_position_beyond_the_head_is_answered_clearly) {
  publish_numbers(0, 3);
  auto ws = viewer();
  const auto answer = ws.subscribe(room(), {{"since", 1000}});
  EXPECT_TRUE(answer.type() == "error" || answer.type() == "subscribed"
              || answer.type() == "resync")
    << answer.text;
  publish_numbers(3, 1);
  if (answer.type() == "subscribed") {
    EXPECT_EQ(ws.receive_type("test:n").seq(), 4u);
  }
}

TEST_F(subscribing, project_in_the_query_subscribes_at_once) {
  auto ws = viewer("projectId=" + project);
  EXPECT_EQ(text(ws.receive_type("subscribed").data, "room"), room());
  publish_numbers(0, 1);
  expect_numbers(ws, 1, 1);
}

TEST_F(subscribing, types_filter_history_and_live) {
  publish(
    json::array{run_event("r", {{"name", "a"}}), custom_event("kb:x", {})});
  auto ws = viewer();
  ws.subscribe(room(), {{"since", 0}, {"types", {"workflow:execution:*"}}});
  publish(json::array{custom_event("kb:y", {}),
                      step_event("r", "s", {{"status", "running"}}),
                      custom_event("kb:z", {})});
  EXPECT_EQ(ws.receive().seq(), 1u);
  EXPECT_EQ(ws.receive().seq(), 4u);
  EXPECT_FALSE(ws.try_receive(std::chrono::milliseconds{20}));
}

TEST_F(subscribing, an_execution_is_a_view_onto_the_projects_sequence) {
  publish(json::array{run_event("mine", {{"name", "a"}}),
                      run_event("theirs", {{"name", "b"}})});
  auto ws = viewer();
  const auto answer
    = ws.subscribe("execution:mine", {{"project_id", project}, {"since", 0}});
  EXPECT_EQ(answer.type(), "subscribed") << answer.text;
  EXPECT_EQ(answer.data.at("room"), "execution:mine");
  EXPECT_EQ(number(answer.data, "seq"), 2u);
  publish(json::array{step_event("theirs", "s", {{"status", "running"}}),
                      step_event("mine", "s", {{"status", "running"}}),
                      custom_event("test:c", {})});
  const auto first = ws.receive();
  EXPECT_EQ(first.seq(), 1u);
  EXPECT_EQ(text(first.data, "room"), room());
  EXPECT_EQ(ws.receive().seq(), 4u);
  EXPECT_FALSE(ws.try_receive(std::chrono::milliseconds{20}));
}

TEST_F(subscribing, the_engine_finds_an_executions_project) {
  const auto run = unique_name("findable-");
  publish(run_event(run, {{"name", "a"}}));
  auto ws = viewer();
  const auto answer = ws.subscribe("execution:" + run, {{"since", 0}});
  EXPECT_EQ(answer.type(), "subscribed") << answer.text;
  EXPECT_EQ(ws.receive().seq(), 1u);
  EXPECT_EQ(ws.subscribe("execution:nowhere-" + run).data.at("code"),
            "not_found");
}

TEST_F(subscribing,
       a_run_that_does_not_exist_yet_can_be_watched_in_its_project) {
  auto ws = viewer();
  EXPECT_EQ(ws.subscribe("execution:soon", {{"project_id", project}}).type(),
            "subscribed");
  publish(run_event("soon", {{"name", "a"}}));
  EXPECT_EQ(ws.receive().seq(), 1u);
}

TEST_F(subscribing, a_tenant_sees_its_own_room_and_all_its_projects_live) {
  const token_claims claims{.tenant = "tenant-of-views"};
  auto producer = client(claims);
  auto announcement = custom_event("test:announcement", {});
  announcement["scope"] = "tenant";
  producer.publish("a", announcement);
  auto ws = viewer_with(claims);
  EXPECT_EQ(ws.subscribe("tenant:tenant-of-views", {{"since", 0}}).type(),
            "subscribed");
  EXPECT_EQ(ws.receive().data.at("room"), "tenant:tenant-of-views");
  producer.publish("a", custom_event("test:one", {}));
  EXPECT_EQ(ws.receive().data.at("room"), "project:a");
  producer.publish("b", run_event("r", {{"name", "n"}}));
  EXPECT_EQ(ws.receive().data.at("room"), "project:b");
  producer.publish("b", announcement);
  const auto last = ws.receive();
  EXPECT_EQ(last.data.at("room"), "tenant:tenant-of-views");
  EXPECT_EQ(last.seq(), 2u);
}

TEST_F(subscribing, a_tenants_view_is_limited_to_the_tokens_projects) {
  auto producer = client({.tenant = "tenant-of-limits"});
  auto ws = viewer_with({.tenant = "tenant-of-limits", .projects = {"mine"}});
  ASSERT_EQ(ws.subscribe("tenant:tenant-of-limits").type(), "subscribed");
  producer.publish("theirs", custom_event("test:secret", {}));
  producer.publish("mine", custom_event("test:mine", {}));
  EXPECT_EQ(ws.receive().type(), "test:mine");
}

TEST_F(subscribing, batches_come_only_to_those_who_asked) {
  publish_numbers(0, 500);
  auto ws = viewer("batch=1");
  ws.subscribe(room(), {{"since", 0}});
  std::uint64_t last = 0;
  std::size_t frames = 0;
  while (last < 500) {
    const auto message = ws.receive();
    ++frames;
    if (message.type() != "events") {
      ASSERT_EQ(message.seq(), ++last);
      continue;
    }
    EXPECT_EQ(text(message.data, "room"), room());
    for (const auto& item : message.data.at("events").as_array())
      ASSERT_EQ(number(item.as_object(), "seq"), ++last);
  }
  EXPECT_LT(frames, 250u) << "history must come in batches";
  auto plain = viewer();
  plain.subscribe(room(), {{"since", 0}});
  expect_numbers(plain, 1, 500);
}

TEST_F(subscribing, unsubscribing_ends_the_flow_and_is_confirmed) {
  auto ws = viewer();
  ws.subscribe(room());
  publish_numbers(0, 1);
  expect_numbers(ws, 1, 1);
  ws.send({{"type", "unsubscribe"}, {"room", room()}});
  EXPECT_EQ(text(ws.receive_type("unsubscribed").data, "room"), room());
  publish_numbers(1, 1);
  ws.send({{"type", "ping"}});
  EXPECT_EQ(ws.receive().type(), "pong") << "nothing came in between";
}

TEST_F(subscribing, unsubscribing_in_the_middle_of_history_ends_it) {
  publish_numbers(0, 5000);
  for (int i = 0; i < 20; ++i) {
    auto ws = viewer();
    ws.send({{"type", "subscribe"}, {"room", room()}, {"since", 0}});
    for (int k = 0; k < i * 10; ++k)
      ws.receive();
    ws.send({{"type", "unsubscribe"}, {"room", room()}});
    ws.receive_type("unsubscribed");
    ws.send({{"type", "ping"}});
    ASSERT_EQ(ws.receive().type(), "pong") << "still events after " << i;
  }
}

TEST_F(subscribing, subscribing_again_moves_to_the_new_position) {
  publish_numbers(0, 3000);
  auto ws = viewer();
  for (const auto since : {0u, 2000u, 10u, 2990u, 0u}) {
    const auto answer = ws.subscribe(room(), {{"since", since}});
    ASSERT_EQ(answer.type(), "subscribed") << answer.text;
    for (auto seq = since + 1; seq <= std::min(since + 50, 3000u); ++seq)
      ASSERT_EQ(ws.receive().seq(), seq) << "since " << since;
  }
}

TEST_F(subscribing, several_rooms_share_one_connection) {
  auto ws = viewer();
  const auto other = project + "-other";
  ws.subscribe(room());
  ws.subscribe("project:" + other);
  for (int i = 0; i < 20; ++i) {
    publish(custom_event("test:a", {}));
    http.publish(other, custom_event("test:b", {}));
  }
  std::uint64_t mine = 0;
  std::uint64_t theirs = 0;
  while (mine + theirs < 40) {
    const auto message = ws.receive();
    auto& last = text(message.data, "room") == room() ? mine : theirs;
    ASSERT_EQ(message.seq(), ++last);
  }
}

TEST_F(subscribing,
       publishing_over_the_websocket_is_answered_after_it_is_durable) {
  auto ws = viewer();
  const auto answer
    = ws.ask({{"type", "publish"},
              {"project_id", project},
              {"events",
               {run_event("r", {{"status", "running"}}),
                run_event("r", {{"status", "pending"}}),
                json::object{{"type", 7}}, custom_event("test:c", {})}}});
  ASSERT_EQ(answer.type(), "published") << answer.text;
  const auto& results = answer.data.at("results").as_array();
  ASSERT_EQ(results.size(), 4u);
  EXPECT_EQ(number(results[0].as_object(), "seq"), 1u);
  EXPECT_EQ(results[1].as_object().at("error").as_object().at("code"),
            "conflict");
  EXPECT_EQ(results[2].as_object().at("error").as_object().at("code"),
            "invalid");
  EXPECT_EQ(number(results[3].as_object(), "seq"), 2u);
  EXPECT_EQ(history().size(), 2u);
}

TEST_F(subscribing, publishes_on_one_connection_keep_their_order) {
  auto ws = viewer();
  constexpr int count = 500;
  for (int i = 0; i < count; ++i)
    ws.send({{"type", "publish"},
             {"project_id", project},
             {"ref", i},
             {"events", {custom_event("test:n", {{"n", i}})}}});
  for (int i = 0; i < count; ++i)
    ws.receive_type("published");
  const auto frames = history();
  ASSERT_EQ(frames.size(), std::size_t{count});
  for (std::size_t i = 0; i < frames.size(); ++i)
    ASSERT_EQ(number(frames[i].at("data").as_object(), "n"), i);
}

TEST_F(subscribing, refs_of_any_json_type_come_back_as_sent) {
  auto ws = viewer();
  ws.send_text(R"({"type":"subscribe","room":"project:x","ref":{"n":1.0}})");
  EXPECT_NE(ws.receive().text.find(R"("ref":{"n":1.0})"), std::string::npos);
  ws.send_text(R"({"type":"subscribe","room":"odd","ref":17})");
  const auto error = ws.receive();
  EXPECT_EQ(error.type(), "error");
  EXPECT_EQ(error.data.at("ref"), 17);
}

TEST_F(subscribing, scopes_decide_who_may_subscribe_and_publish) {
  auto writer = viewer_with({.scope = "publish"});
  EXPECT_EQ(writer.subscribe(room()).data.at("code"), "forbidden");
  auto reader = viewer_with({.scope = "subscribe"});
  EXPECT_EQ(reader.subscribe(room()).type(), "subscribed");
  const auto answer = reader.ask({{"type", "publish"},
                                  {"project_id", project},
                                  {"events", {custom_event("test:c", {})}}});
  EXPECT_EQ(answer.data.at("code"), "forbidden");
}

TEST_F(subscribing, the_same_room_twice_does_not_double_events) {
  auto ws = viewer();
  ws.subscribe(room());
  ws.subscribe(room(), {{"since", 0}});
  publish_numbers(0, 3);
  expect_numbers(ws, 1, 3);
  EXPECT_FALSE(ws.try_receive(std::chrono::milliseconds{20}));
}

TEST_F(subscribing, a_connection_may_hold_256_rooms_and_no_more) {
  auto ws = viewer();
  for (int i = 0; i < 256; ++i)
    ASSERT_EQ(ws.subscribe("project:many-" + std::to_string(i)).type(),
              "subscribed")
      << i;
  const auto answer = ws.subscribe("project:one-too-many");
  EXPECT_EQ(answer.type(), "error") << answer.text;
  http.publish("many-255", custom_event("test:c", {}));
  EXPECT_EQ(ws.receive().type(), "test:c") << "the others go on";
}

} // namespace callboard::test
