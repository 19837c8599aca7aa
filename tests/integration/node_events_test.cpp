// Contract 2 over `/ws`: what a workflow canvas sends and is told.

#include "tests/integration/live_node.hpp"

namespace callboard::test {

namespace {

class node_events : public live_node {
protected:
  node_events() : run{unique_name("run")} {
    // nop
  }

  ws_message subscribed(ws_client& ws) {
    ws.send({{"type", "subscribe"}, {"executionId", run}});
    return ws.receive();
  }

  /// A run with one node that waits for an answer.
  void wait_for_input() {
    publish(json::array{
      run_event(run, {{"status", "running"}, {"workflow_name", "Orders"}}),
      step_event(run, "ask",
                 {{"status", "waiting"},
                  {"input_request",
                   {{"prompt", "Go on?"},
                    {"input_type", "choice"},
                    {"validation", {{"options", {"yes", "no"}}}}}}})});
  }

  std::string run;
};

} // namespace

TEST_F(node_events, a_canvas_is_told_the_story_of_its_execution) {
  publish(run_event(run, {{"status", "pending"}, {"workflow_name", "Orders"}}));
  auto ws = viewer();
  auto answer = subscribed(ws);
  EXPECT_EQ(answer.type(), "subscribed");
  EXPECT_EQ(text(answer.data, "executionId"), run);
  publish(json::array{
    run_event(run, {{"status", "running"}}),
    step_event(run, "n1",
               {{"status", "running"}, {"name", "Fetch"}, {"kind", "http"}})});
  auto started = ws.receive_type("execution:started");
  EXPECT_EQ(text(started.data, "workflowName"), "Orders");
  auto node = ws.receive_type("node:started");
  EXPECT_EQ(text(node.data, "nodeName"), "Fetch");
  EXPECT_EQ(text(node.data, "nodeType"), "http");
  // It has caught up: who has not is told nothing that is not kept.
  publish(json::array{
    stream_event(run, "n1", "hello"),
    step_event(run, "n1",
               {{"status", "completed"}, {"output", {{"sent", true}}}}),
    run_event(run, {{"status", "completed"}, {"output", {{"n", 1}}}})});
  EXPECT_EQ(text(ws.receive_type("node:stream").data, "chunk"), "hello");
  auto done = ws.receive_type("node:completed");
  EXPECT_EQ(done.data.at("output"), (json::value{{"sent", true}}));
  EXPECT_TRUE(done.data.contains("duration"));
  auto progress = ws.receive_type("execution:progress");
  EXPECT_EQ(number(progress.data, "completed"), 1u);
  auto end = ws.receive_type("execution:completed");
  EXPECT_EQ(end.data.at("outputs"), (json::value{{"n", 1}}));
}

TEST_F(node_events, unknown_and_foreign_executions_cannot_be_told_apart) {
  publish(run_event(run, {{"status", "running"}}));
  token_claims foreign;
  foreign.tenant = "t2";
  auto other = viewer_with(foreign);
  auto theirs = subscribed(other);
  EXPECT_EQ(text(theirs.data, "code"), "not_found");
  EXPECT_EQ(text(theirs.data, "executionId"), run);
  auto known = theirs.text;
  auto name = run;
  run = unique_name("nobody");
  auto nothing = subscribed(other).text;
  for (auto at = nothing.find(run); at != nothing.npos; at = nothing.find(run))
    nothing.replace(at, run.size(), name);
  EXPECT_EQ(nothing, known);
}

TEST_F(node_events, one_connection_holds_both_vocabularies) {
  publish(run_event(run, {{"status", "pending"}}));
  auto ws = viewer();
  ws.subscribe(room());
  EXPECT_EQ(subscribed(ws).type(), "subscribed");
  publish(run_event(run, {{"status", "running"}}));
  auto first = std::string{ws.receive().type()};
  auto second = std::string{ws.receive().type()};
  std::set<std::string> both{first, second};
  EXPECT_EQ(both, (std::set<std::string>{"workflow:execution:updated",
                                         "execution:started"}));
  ws.send({{"type", "unsubscribe"}, {"executionId", run}});
  EXPECT_EQ(text(ws.receive_type("unsubscribed").data, "executionId"), run);
  publish(run_event(run, {{"status", "paused"}}));
  EXPECT_EQ(ws.receive().type(), "workflow:execution:updated");
  ws.send({{"type", "ping"}});
  EXPECT_EQ(ws.receive().type(), "pong") << "no node event any more";
}

TEST_F(node_events, an_answer_resumes_the_node_that_waits) {
  wait_for_input();
  auto ws = viewer();
  subscribed(ws);
  auto answer = [&](json::value value) {
    ws.send({{"type", "user:input:response"},
             {"timestamp", 1},
             {"executionId", run},
             {"nodeId", "ask"},
             {"value", std::move(value)}});
  };
  answer("perhaps");
  EXPECT_EQ(text(ws.receive_type("error").data, "code"), "invalid");
  answer("yes");
  EXPECT_EQ(text(ws.receive_type("node:started").data, "nodeId"), "ask");
  answer("yes");
  auto late = ws.receive_type("error");
  EXPECT_EQ(text(late.data, "code"), "conflict");
  EXPECT_EQ(text(late.data, "nodeId"), "ask");
  auto told = history();
  auto response = std::ranges::any_of(told, [](auto& x) {
    auto* data = x.at("data").as_object().if_contains("event");
    return data && text(data->as_object(), "kind") == "input_response";
  });
  EXPECT_TRUE(response) << "the producer must be told";
}

TEST_F(node_events, a_replay_gives_what_happened_since_a_time) {
  publish(run_event(run, {{"status", "running"}}));
  for (int i = 0; i < 300; ++i)
    publish(step_event(run, "n" + std::to_string(i), {{"status", "running"}}));
  auto ws = viewer();
  ws.send({{"type", "replay"}, {"executionId", run}, {"since", 0}});
  std::uint64_t count = 0;
  std::vector<std::string> ids;
  std::int64_t middle = 0;
  for (;;) {
    auto x = ws.receive();
    if (x.type() == "replay:done") {
      EXPECT_EQ(number(x.data, "count"), count);
      break;
    }
    ++count;
    EXPECT_EQ(x.data.at("replayed"), true);
    ids.push_back(text(x.data, "eventId"));
    if (count == 150)
      middle = x.data.at("timestamp").to_number<std::int64_t>();
  }
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), ids.size());
  EXPECT_GE(count, 301u);
  ws.send({{"type", "replay"}, {"executionId", run}, {"since", middle}});
  std::vector<std::string> later;
  for (auto x = ws.receive(); x.type() != "replay:done"; x = ws.receive()) {
    EXPECT_GE(x.data.at("timestamp").to_number<std::int64_t>(), middle);
    later.push_back(text(x.data, "eventId"));
  }
  ASSERT_LE(later.size(), ids.size());
  EXPECT_TRUE(std::equal(later.rbegin(), later.rend(), ids.rbegin()))
    << "the same ids at every replay";
}

TEST_F(node_events, documents_reach_whoever_has_not_opted_out) {
  auto plain = viewer();
  auto native = viewer("vocabulary=native");
  native.subscribe("tenant:t1");
  auto other_tenant = token_claims{};
  other_tenant.tenant = "t2";
  auto foreign = viewer_with(other_tenant);
  auto event = custom_event(
    "kb:document:completed",
    {{"knowledgeBaseId", "kb"}, {"documentId", project}, {"chunkCount", 7}});
  event["scope"] = "tenant";
  publish(event);
  auto told = plain.receive_if(
    [&](const ws_message& x) { return text(x.data, "documentId") == project; });
  EXPECT_EQ(told.type(), "kb:document:completed");
  EXPECT_EQ(number(told.data, "chunkCount"), 7u);
  EXPECT_TRUE(told.data.contains("eventId"));
  auto canonical = native.receive_type("kb:document:completed");
  EXPECT_TRUE(canonical.data.contains("data")) << canonical.text;
  foreign.send({{"type", "ping"}});
  EXPECT_EQ(foreign.receive().type(), "pong");
}

TEST_F(node_events, wrong_frames_are_answered_and_harm_nobody) {
  auto ws = viewer();
  for (auto bad : {R"({"type":"subscribe","executionId":7})",
                   R"({"type":"replay","executionId":"e","since":"x"})",
                   R"({"type":"replay","since":1})", R"({"type":"ack"})",
                   R"({"type":"user:input:response","executionId":"e"})",
                   R"({"type":"subscribe","executionId":""})", "[1", "7"}) {
    ws.send_text(bad);
    auto answer = ws.receive();
    EXPECT_EQ(answer.type(), "error") << bad;
    EXPECT_EQ(text(answer.data, "code"), "invalid") << bad;
  }
  ws.send({{"type", "ack"}, {"eventId", "event-1"}});
  ws.send({{"type", "ping"}});
  EXPECT_EQ(ws.receive().type(), "pong");
  auto list = client().get("/v1/admin/sessions?limit=1000");
  EXPECT_NE(list.body.find(R"("acknowledged":"event-1")"), std::string::npos);
}

TEST_F(node_events, refusals_are_told_by_close_codes) {
  auto close = [](std::string token) -> std::pair<std::uint16_t, std::string> {
    ws_client::options opts;
    opts.token = std::move(token);
    ws_client ws{node().port(), opts};
    try {
      for (;;)
        ws.receive();
    } catch (const ws_closed& x) {
      return {x.code, x.reason};
    }
  };
  using pair = std::pair<std::uint16_t, std::string>;
  EXPECT_EQ(close(""), (pair{1008, "Authentication required"}));
  EXPECT_EQ(close("nonsense"), (pair{1008, "Invalid token"}));
}

} // namespace callboard::test
