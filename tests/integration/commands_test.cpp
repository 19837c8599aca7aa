// Creating runs; pause, resume, cancel, retry, input; and how each reaches the
// run's producer as events.

#include "tests/integration/live_node.hpp"

namespace callboard::test {

namespace {

class commands : public live_node {
protected:
  http_response command(const std::string& run, const std::string& what,
                        const std::string& body = "{}") {
    return http.post(path("/runs/" + run + "/" + what), body);
  }

  std::string status_of(const std::string& run) {
    return text(detail(run), "status");
  }

  void make_waiting_step(const json::object& request) {
    publish(json::array{
      run_event("r", {{"status", "running"}}),
      step_event("r", "ask",
                 {{"status", "waiting"}, {"input_request", request}})});
  }
};

} // namespace

TEST_F(commands, a_run_can_be_created_over_http) {
  const auto response = http.post(
    path("/runs"),
    R"({"id":"made","name":"n","workflow_name":"w","input":{"x":1.0}})");
  EXPECT_EQ(response.status, 201) << response.body;
  EXPECT_EQ(response.object().at("id"), "made");
  EXPECT_TRUE(response.header("Location").ends_with(path("/runs/made")));
  const auto run = detail("made");
  EXPECT_EQ(run.at("status"), "pending");
  EXPECT_EQ(run.at("name"), "n");
  EXPECT_EQ(run.at("workflow_name"), "w");
  EXPECT_EQ(run.at("input"), json::parse(R"({"x":1.0})"));
  const auto frames = history();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(text(frames[0], "type"), "workflow:execution:updated");
}

TEST_F(commands,
       creating_without_an_id_makes_one_and_an_existing_one_conflicts) {
  const auto made = http.post(path("/runs"), "{}");
  ASSERT_EQ(made.status, 201) << made.body;
  const auto id = text(made.object(), "id");
  EXPECT_EQ(id.size(), 36u);
  EXPECT_EQ(http.post(path("/runs"), R"({"id":")" + id + "\"}").status, 409);
  EXPECT_EQ(http.post(path("/runs"), R"({"id":"a b"})").status, 400);
  EXPECT_EQ(http.post(path("/runs"), R"({"name":7})").status, 400);
  EXPECT_EQ(http.post(path("/runs"), "[]").status, 400);
}

TEST_F(commands,
       pause_resume_and_cancel_change_the_status_and_tell_the_producer) {
  publish(run_event("r", {{"status", "running"}}));
  auto producer = viewer("projectId=" + project);
  producer.receive_type("subscribed");
  const std::pair<std::string, std::string> cases[]
    = {{"pause", "paused"}, {"resume", "running"}, {"cancel", "cancelled"}};
  for (const auto& [what, status] : cases) {
    const auto response = command("r", what, R"({"reason":"because"})");
    EXPECT_EQ(response.status / 100, 2) << response.body;
    EXPECT_EQ(status_of("r"), status);
    const auto asked
      = producer.receive_type("workflow:execution:event:created");
    const auto& event
      = asked.data.at("data").as_object().at("event").as_object();
    EXPECT_EQ(event.at("kind"), "command");
    EXPECT_EQ(text(event, "command"), what);
    EXPECT_EQ(event.at("requested_by"), "tester");
    EXPECT_EQ(event.at("reason"), "because");
    const auto changed = producer.receive();
    EXPECT_EQ(changed.type(), "workflow:execution:updated");
    EXPECT_EQ(
      text(changed.data.at("data").as_object().at("changes").as_object(),
           "status"),
      status);
    EXPECT_EQ(changed.seq(), asked.seq() + 1)
      << "both or neither, side by side";
  }
}

TEST_F(commands, a_command_needs_no_body) {
  publish(run_event("r", {{"status", "running"}}));
  EXPECT_EQ(http.post(path("/runs/r/pause")).status / 100, 2);
  EXPECT_EQ(status_of("r"), "paused");
}

TEST_F(commands, illegal_commands_name_both_states_and_change_nothing) {
  publish(json::array{run_event("pending", {{"status", "pending"}}),
                      run_event("failed", {{"status", "failed"}}),
                      run_event("running", {{"status", "running"}})});
  const std::tuple<const char*, const char*, const char*> cases[] = {
    {"pending", "pause", "paused"},
    {"failed", "pause", "paused"},
    {"failed", "resume", "running"},
    {"failed", "cancel", "cancelled"},
  };
  for (const auto& [run, what, to] : cases) {
    const auto response = command(run, what);
    EXPECT_EQ(response.status, 409) << run << what << response.body;
    const auto why = text(response.object(), "detail");
    EXPECT_NE(why.find(run), std::string::npos) << why;
    EXPECT_NE(why.find(to), std::string::npos) << why;
  }
  EXPECT_EQ(command("running", "retry").status, 409);
  EXPECT_EQ(history().size(), 3u);
}

TEST_F(commands, on_an_unknown_run_are_not_found) {
  for (const auto* what : {"pause", "resume", "cancel", "retry"})
    EXPECT_EQ(command("none", what).status, 404) << what;
  EXPECT_EQ(
    http.post(path("/runs/none/steps/s/input"), R"({"value":1})").status, 404);
  EXPECT_EQ(http.post(path("/runs/none/explode"), "{}").status, 404);
}

TEST_F(commands, retry_makes_a_new_run_that_names_the_old_one) {
  publish(json::array{
    run_event("old", {{"name", "n"},
                      {"workflow_definition_id", "d"},
                      {"workflow_name", "w"},
                      {"input", {{"x", 1}}},
                      {"status", "running"}}),
    run_event("old", {{"status", "failed"}, {"output", {{"y", 2}}}})});
  const auto response = command("old", "retry");
  ASSERT_EQ(response.status / 100, 2) << response.body;
  const auto id = text(response.object(), "id");
  EXPECT_NE(id, "old");
  const auto fresh = detail(id);
  EXPECT_EQ(fresh.at("status"), "pending");
  EXPECT_EQ(fresh.at("retry_of"), "old");
  EXPECT_EQ(fresh.at("name"), "n");
  EXPECT_EQ(fresh.at("workflow_definition_id"), "d");
  EXPECT_EQ(fresh.at("workflow_name"), "w");
  EXPECT_EQ(fresh.at("input"), json::parse(R"({"x":1})"));
  EXPECT_TRUE(fresh.at("output").is_null());
  const auto old = detail("old");
  EXPECT_EQ(old.at("status"), "failed");
  const auto& event = old.at("events").as_array().at(0).as_object();
  EXPECT_EQ(event.at("kind"), "command");
  EXPECT_EQ(event.at("command"), "retry");
  EXPECT_EQ(text(event, "new_execution_id"), id);
}

TEST_F(commands, an_answer_sends_a_waiting_step_on_and_reaches_the_producer) {
  make_waiting_step({{"prompt", "Go?"}, {"input_type", "text"}});
  auto producer = viewer("projectId=" + project);
  producer.receive_type("subscribed");
  const auto response
    = http.post(path("/runs/r/steps/ask/input"), R"({"value":{"free":1.0}})");
  EXPECT_EQ(response.status / 100, 2) << response.body;
  const auto event = producer.receive_type("workflow:execution:event:created");
  EXPECT_NE(event.text.find(R"({"free":1.0})"), std::string::npos)
    << event.text;
  const auto& body = event.data.at("data").as_object().at("event").as_object();
  EXPECT_EQ(body.at("kind"), "input_response");
  EXPECT_EQ(body.at("step_id"), "ask");
  EXPECT_EQ(body.at("responded_by"), "tester");
  const auto step = producer.receive_type("workflow:execution:step:updated");
  EXPECT_EQ(
    step.data.at("data").as_object().at("changes").as_object().at("status"),
    "running");
  EXPECT_EQ(detail("r").at("steps").as_array().at(0).as_object().at("status"),
            "running");
  EXPECT_EQ(http.post(path("/runs/r/steps/ask/input"), R"({"value":2})").status,
            409)
    << "answered already";
}

TEST_F(commands, an_answer_outside_the_options_is_invalid) {
  make_waiting_step({{"prompt", "Which?"},
                     {"input_type", "select"},
                     {"validation", {{"options", {"red", "green"}}}}});
  const auto target = path("/runs/r/steps/ask/input");
  const auto wrong = http.post(target, R"({"value":"blue"})");
  EXPECT_EQ(wrong.status, 400) << wrong.body;
  EXPECT_EQ(wrong.code(), "invalid");
  EXPECT_EQ(wrong.object().at("pointer"), "/value");
  EXPECT_EQ(http.post(target, "{}").status, 400);
  EXPECT_EQ(http.post(target, R"({"value":"green"})").status / 100, 2);
}

TEST_F(commands, input_for_a_step_that_does_not_wait_conflicts) {
  publish(json::array{run_event("r", {{"status", "running"}}),
                      step_event("r", "s", {{"status", "running"}})});
  EXPECT_EQ(http.post(path("/runs/r/steps/s/input"), R"({"value":1})").status,
            409);
  EXPECT_EQ(
    http.post(path("/runs/r/steps/none/input"), R"({"value":1})").status, 404);
}

TEST_F(commands, over_the_websocket_are_answered_with_done_or_an_error) {
  publish(run_event("r", {{"status", "running"}}));
  auto ws = viewer();
  const auto ask = [&](std::string_view run, std::string_view what) {
    return ws.ask({{"type", "command"},
                   {"project_id", project},
                   {"execution_id", run},
                   {"command", what}});
  };
  EXPECT_EQ(ask("r", "pause").type(), "done");
  EXPECT_EQ(status_of("r"), "paused");
  const auto again = ask("none", "resume");
  EXPECT_EQ(again.type(), "error");
  EXPECT_EQ(again.data.at("code"), "not_found");
  EXPECT_EQ(ask("r", "retry").data.at("code"), "conflict");
  EXPECT_EQ(ask("r", "explode").data.at("code"), "invalid");
  EXPECT_EQ(ask("r", "cancel").type(), "done");
}

TEST_F(commands, need_the_scope_publish) {
  publish(run_event("r", {{"status", "running"}}));
  auto reader = client({.scope = "subscribe"});
  EXPECT_EQ(reader.post(path("/runs/r/cancel"), "{}").status, 403);
  EXPECT_EQ(reader.post(path("/runs"), "{}").status, 403);
  EXPECT_EQ(status_of("r"), "running");
}

} // namespace callboard::test
