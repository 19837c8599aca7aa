// Contract 5 over `/events`: numbered phases of one run, with replay.

#include "tests/integration/live_node.hpp"

namespace callboard::test {

namespace {

class phase_events : public live_node {
protected:
  phase_events() : run{unique_name("run")} {
    // nop
  }

  static ws_client open(std::string path = "/events") {
    token_claims claims;
    ws_client::options opts;
    opts.token = make_token(claims);
    opts.path = std::move(path);
    return ws_client{node().port(), opts};
  }

  void subscribe(ws_client& ws, json::object more = {}) {
    more["type"] = "subscribe";
    more["run_id"] = run;
    ws.send(more);
  }

  void step(std::string_view name, std::string_view status,
            json::object more = {}) {
    more["status"] = status;
    more["name"] = name;
    publish(step_event(run, name, std::move(more)));
  }

  std::string run;
};

} // namespace

TEST_F(phase_events, a_late_viewer_gets_what_it_missed_and_goes_on) {
  publish(run_event(run, {{"status", "running"}}));
  step("PLAN", "running");
  step("PLAN", "completed", {{"metrics", {{"score", 0.5}}}});
  publish(timeline_event(run, {{"kind", "log"}, {"message", "not a phase"}}));
  step("LYRICS", "running");
  for (auto path : {"/events", "/ws/events"}) {
    auto ws = open(path);
    subscribe(ws, {{"since_seq", 1}});
    auto answer = ws.receive();
    EXPECT_EQ(answer.type(), "subscribed");
    EXPECT_EQ(number(answer.data, "last_seq"), 3u);
    auto two = ws.receive();
    EXPECT_EQ(two.seq(), 2u);
    EXPECT_EQ(text(two.data, "node"), "PLAN");
    EXPECT_EQ(text(two.data, "phase"), "end");
    EXPECT_EQ(two.data.at("metrics"), (json::value{{"score", 0.5}}));
    EXPECT_TRUE(two.data.at("issues").is_array());
    EXPECT_EQ(ws.receive().seq(), 3u);
  }
}

TEST_F(phase_events, numbers_are_contiguous_live_and_at_every_replay) {
  publish(run_event(run, {{"status", "running"}}));
  auto live = open();
  subscribe(live);
  EXPECT_EQ(number(live.receive_type("subscribed").data, "last_seq"), 0u);
  std::vector<std::string> told;
  for (int i = 0; i < 50; ++i) {
    auto name = "S" + std::to_string(i);
    step(name, "running");
    step(name, i % 3 == 0 ? "failed" : "completed");
  }
  publish(artifact_event(run, {{"id", "a"}, {"name", "x"}, {"kind", "file"}}));
  publish(run_event(run, {{"status", "completed"}}));
  for (std::uint64_t seq = 1; seq <= 102; ++seq) {
    auto x = live.receive();
    ASSERT_EQ(x.seq(), seq) << x.text;
    told.push_back(x.text);
  }
  EXPECT_NE(told.back().find(R"("node":"RUN","phase":"end")"),
            std::string::npos)
    << told.back();
  auto again = open();
  subscribe(again, {{"since_seq", 0}});
  again.receive_type("subscribed");
  for (auto& x : told)
    ASSERT_EQ(again.receive().text, x);
}

TEST_F(phase_events, wrong_frames_are_answered_and_harm_nobody) {
  auto ws = open();
  for (auto bad : {R"({"type":"subscribe"})", R"({"type":"hello"})", "{", "[]",
                   R"({"type":"subscribe","run_id":"r","since_seq":-1})"}) {
    ws.send_text(bad);
    EXPECT_EQ(text(ws.receive().data, "code"), "invalid") << bad;
  }
  run = unique_name("nobody");
  subscribe(ws);
  EXPECT_EQ(text(ws.receive().data, "code"), "not_found");
  ws.send({{"type", "unsubscribe"}, {"run_id", run}});
  EXPECT_EQ(ws.receive().type(), "unsubscribed") << "as the contract says";
  ws.send({{"type", "ping"}});
  EXPECT_EQ(ws.receive().type(), "pong");
}

TEST_F(phase_events, whoever_unsubscribes_is_told_no_more) {
  publish(run_event(run, {{"status", "running"}}));
  auto ws = open();
  subscribe(ws);
  ws.receive_type("subscribed");
  ws.send({{"type", "unsubscribe"}, {"run_id", run}});
  EXPECT_EQ(text(ws.receive().data, "run_id"), run);
  step("PLAN", "running");
  ws.send({{"type", "ping"}});
  EXPECT_EQ(ws.receive().type(), "pong");
}

} // namespace callboard::test
