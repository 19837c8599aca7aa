// Workers take runs: over HTTP and WebSocket, with leases that are renewed,
// lost, given back, and refused once they are lost.

#include "tests/integration/live_node.hpp"

namespace callboard::test {

namespace {

constexpr auto lease_period = std::chrono::milliseconds{700};

/// A run that a worker holds.
struct held {
  std::string run;
  std::string token;
  std::uint64_t attempt = 0;
};

class dispatching : public live_node {
public:
  static void SetUpTestSuite() {
    start_node({.env = {{"CALLBOARD_DISPATCH_LEASE", "700ms"},
                        {"CALLBOARD_DISPATCH_MAX_ATTEMPTS", "2"},
                        {"CALLBOARD_DISPATCH_MAX_WAITING", "3"}}});
  }

protected:
  std::string create(const std::string& run,
                     const std::string& fields
                     = R"("workflow_name":"Build it")") {
    const auto made
      = http.post(path("/runs"), R"({"id":")" + run + "\"," + fields + "}");
    EXPECT_EQ(made.status, 201) << made.body;
    return run;
  }

  std::string take_path(std::string_view query = {},
                        std::string_view queue = "Build%20it") const {
    return path("/queue/" + std::string{queue} + "/take?" + std::string{query});
  }

  static held held_of(const json::object& answer) {
    const auto& lease = answer.at("lease").as_object();
    return {text(lease, "execution_id"), text(lease, "token"),
            number(lease, "attempt")};
  }

  /// Takes a run; fails the test if there is none.
  held take(std::string_view query = "wait=10") {
    const auto got = http.post(take_path(query));
    EXPECT_EQ(got.status, 200) << got.body;
    return got.status == 200 ? held_of(got.object()) : held{};
  }

  int heartbeat(const held& x) {
    return http
      .post(path("/runs/" + x.run + "/lease/heartbeat"), {},
            {{"X-Callboard-Lease", x.token}})
      .status;
  }

  http_response publish_under(const held& x, const json::value& events) {
    return http.publish_raw(project, json::serialize(events),
                            {{"X-Callboard-Lease", x.token}});
  }

  std::string status_of(const std::string& run) {
    return text(detail(run), "status");
  }
};

} // namespace

TEST_F(dispatching, a_run_is_taken_worked_on_and_completed) {
  create("a", R"("workflow_name":"Build it","input":{"x":1})");
  const auto got = http.post(take_path("worker=w1"));
  ASSERT_EQ(got.status, 200) << got.body;
  const auto mine = held_of(got.object());
  EXPECT_EQ(mine.run, "a");
  const auto& run = got.object().at("run").as_object();
  EXPECT_EQ(run.at("status"), "running");
  EXPECT_EQ(run.at("worker"), "w1");
  EXPECT_EQ(run.at("input"), json::parse(R"({"x":1})"));
  const auto& dispatch = run.at("dispatch").as_object();
  EXPECT_EQ(dispatch.at("queue"), "Build it");
  EXPECT_EQ(dispatch.at("state"), "leased");
  EXPECT_EQ(heartbeat(mine), 200);
  EXPECT_EQ(
    publish_under(mine, run_event("a", {{"status", "completed"}})).status, 200);
  EXPECT_EQ(status_of("a"), "completed");
  EXPECT_EQ(heartbeat(mine), 409);
  for (const auto& frame : history())
    EXPECT_EQ(json::serialize(frame).find(mine.token.substr(4, 32)),
              std::string::npos)
      << "the secret is shown";
}

TEST_F(dispatching, nothing_to_take_is_no_content) {
  const auto began = steady::now();
  EXPECT_EQ(http.post(take_path()).status, 204);
  EXPECT_LT(steady::now() - began, std::chrono::milliseconds{900});
  EXPECT_EQ(http.post(take_path("wait=1")).status, 204);
  EXPECT_GE(steady::now() - began, std::chrono::milliseconds{900});
}

TEST_F(dispatching, a_waiting_worker_is_woken_at_once) {
  steady::time_point woken, created;
  {
    auto worker = in_background([&] {
      auto mine = client();
      const auto got = mine.post(take_path("wait=10"));
      woken = steady::now();
      EXPECT_EQ(got.status, 200) << got.body;
    });
    ASSERT_TRUE(eventually([&] {
      return http.get("/metrics").body.find("callboard_waiting_workers 1")
             != std::string::npos;
    }));
    create("a");
    created = steady::now();
  }
  EXPECT_LT(woken - created, std::chrono::milliseconds{250});
}

TEST_F(dispatching, a_silent_worker_loses_its_run_and_is_refused) {
  create("a");
  const auto first = take("worker=first");
  const auto second = take("wait=10&worker=second");
  EXPECT_EQ(second.run, "a");
  EXPECT_EQ(second.attempt, 2u);
  const auto late = publish_under(
    first,
    json::array{timeline_event("a", {{"kind", "log"}, {"message", "late"}}),
                run_event("a", {{"status", "completed"}})});
  EXPECT_EQ(late.status, 200);
  for (const auto& item : late.object().at("results").as_array())
    EXPECT_EQ(text(item.as_object().at("error").as_object(), "code"),
              "conflict");
  EXPECT_EQ(
    publish_under(first, run_event("a", {{"status", "completed"}})).status,
    409);
  EXPECT_EQ(heartbeat(first), 409);
  EXPECT_EQ(
    publish_under(second, run_event("a", {{"status", "completed"}})).status,
    200);
  const auto run = detail("a");
  EXPECT_EQ(run.at("worker"), "second");
  EXPECT_EQ(run.at("attempt"), 2);
}

TEST_F(dispatching, heartbeats_keep_a_run) {
  create("a");
  const auto mine = take();
  const auto until = steady::now() + 3 * lease_period;
  while (steady::now() < until) {
    ASSERT_EQ(heartbeat(mine), 200);
    short_rest();
  }
  EXPECT_EQ(
    publish_under(mine, run_event("a", {{"status", "completed"}})).status, 200);
}

TEST_F(dispatching, a_run_that_too_many_workers_lose_fails) {
  create("a");
  take();
  take();
  ASSERT_TRUE(eventually([&] { return status_of("a") == "failed"; }));
  EXPECT_TRUE(text(detail("a"), "error_message").starts_with("given up"));
  EXPECT_EQ(http.post(take_path()).status, 204);
}

TEST_F(dispatching, a_run_can_be_given_back) {
  create("a");
  const auto mine = take();
  EXPECT_EQ(http
              .post(path("/runs/a/lease/release"),
                    json::serialize(json::object{{"lease", mine.token},
                                                 {"reason", "shutting down"}}))
              .status,
            200);
  EXPECT_EQ(status_of("a"), "pending");
  EXPECT_EQ(take().attempt, 1u);
}

TEST_F(dispatching, wrong_calls_say_what_is_wrong) {
  create("a");
  const auto mine = take();
  const header_list lease{{"X-Callboard-Lease", mine.token}};
  const auto beat = path("/runs/a/lease/heartbeat");
  EXPECT_EQ(http.post(beat).status, 400);
  EXPECT_EQ(http.post(beat, R"({"lease":7})").status, 400);
  EXPECT_EQ(http.post(beat, R"({"lease":"1.1.x.a"})").status, 400);
  EXPECT_EQ(http.post(path("/runs/b/lease/heartbeat"), {}, lease).status, 400);
  EXPECT_EQ(http.post(take_path("wait=x")).status, 400);
  EXPECT_EQ(http.post(take_path("worker=")).status, 400);
  EXPECT_EQ(http.get(take_path()).status, 405);
  EXPECT_EQ(
    http.publish_raw(project, "[]", {{"X-Callboard-Lease", "x"}}).status, 400);
  EXPECT_EQ(publish_under(mine, run_event("b", {{"status", "running"}})).status,
            400);
  auto forged = mine;
  forged.token[5] = forged.token[5] == '0' ? '1' : '0';
  EXPECT_EQ(heartbeat(forged), 409);
}

TEST_F(dispatching, who_may_not_publish_may_not_take) {
  create("a");
  auto reader = client({.scope = "subscribe"});
  EXPECT_EQ(reader.post(take_path()).status, 403);
  auto elsewhere = client({.projects = {"other"}});
  EXPECT_EQ(elsewhere.post(take_path()).status, 403);
  auto stranger = client({.tenant = "t2"});
  EXPECT_EQ(stranger.post(take_path()).status, 204);
  EXPECT_EQ(take().run, "a");
}

TEST_F(dispatching, too_many_waiting_workers_are_told_to_come_again) {
  std::vector<std::jthread> waiting;
  for (int i = 0; i < 3; ++i)
    waiting.push_back(in_background([this] {
      auto mine = client();
      EXPECT_EQ(mine.post(take_path("wait=30")).status, 200);
    }));
  ASSERT_TRUE(eventually([&] {
    return http.get("/metrics").body.find("callboard_waiting_workers 3")
           != std::string::npos;
  }));
  const auto one_more = http.post(take_path("wait=1"));
  EXPECT_EQ(one_more.status, 429);
  EXPECT_FALSE(one_more.header("Retry-After").empty());
  for (auto run : {"a", "b", "c"})
    create(run);
}

TEST_F(dispatching, a_worker_that_hangs_up_gets_nothing) {
  {
    auto socket = tcp_socket::connect(node().port());
    socket.send("POST " + take_path("wait=30&worker=gone")
                  + " HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n"
                    "Authorization: Bearer "
                  + http.token() + "\r\n\r\n",
                within(patience));
    ASSERT_TRUE(eventually([&] {
      return http.get("/metrics").body.find("callboard_waiting_workers 1")
             != std::string::npos;
    }));
  }
  ASSERT_TRUE(eventually([&] {
    return http.get("/metrics").body.find("callboard_waiting_workers 0")
           != std::string::npos;
  }));
  create("a");
  EXPECT_EQ(take("worker=here").attempt, 1u);
  EXPECT_EQ(detail("a").at("worker"), "here");
}

TEST_F(dispatching, a_node_that_drains_sends_its_workers_away) {
  node_process other{{}};
  http_client there{other.port(), make_token({})};
  auto worker = in_background([&] {
    http_client mine{other.port(), make_token({})};
    const auto got = mine.post(take_path("wait=30"));
    EXPECT_EQ(got.status, 503) << got.body;
  });
  ASSERT_TRUE(eventually([&] {
    return there.get("/metrics").body.find("callboard_waiting_workers 1")
           != std::string::npos;
  }));
  other.terminate();
  EXPECT_EQ(other.wait_exit(), 0);
}

TEST_F(dispatching, a_worker_may_use_its_websocket) {
  auto worker = viewer();
  json::object ask{{"type", "take"},
                   {"project_id", project},
                   {"queue", "Build it"},
                   {"worker", "w1"}};
  auto none = worker.ask(ask);
  EXPECT_EQ(none.type(), "taken");
  EXPECT_TRUE(none.data.at("run").is_null());
  ask["wait"] = 10;
  ask["ref"] = "t";
  worker.send(ask);
  create("a");
  const auto got = worker.receive_type("taken");
  EXPECT_EQ(got.data.at("ref"), "t");
  const auto mine = held_of(got.data);
  EXPECT_EQ(mine.run, "a");
  EXPECT_EQ(got.data.at("run").as_object().at("worker"), "w1");
  const json::object beat{
    {"type", "heartbeat"}, {"project_id", project}, {"lease", mine.token}};
  const auto renewed = worker.ask(beat);
  EXPECT_EQ(renewed.type(), "done");
  json::object say{{"type", "publish"},
                   {"project_id", project},
                   {"lease", mine.token},
                   {"events", json::array{run_event("a", {{"n", 1}})}}};
  const auto said = worker.ask(say);
  EXPECT_EQ(said.type(), "published");
  const auto back = worker.ask({{"type", "release"},
                                {"project_id", project},
                                {"lease", mine.token},
                                {"reason", "enough"}});
  EXPECT_EQ(back.type(), "done");
  const auto refused = worker.ask(beat);
  EXPECT_EQ(refused.type(), "error");
  EXPECT_EQ(refused.data.at("code"), "conflict");
  const auto late = worker.ask(say);
  const auto& result = late.data.at("results").as_array().at(0).as_object();
  EXPECT_EQ(result.at("error").as_object().at("code"), "conflict");
  EXPECT_EQ(status_of("a"), "pending");
}

TEST_F(dispatching, wrong_frames_of_workers_are_answered) {
  auto worker = viewer();
  const json::object wrong[] = {
    {{"type", "take"}, {"project_id", project}},
    {{"type", "take"}, {"project_id", project}, {"queue", ""}},
    {{"type", "take"}, {"project_id", project}, {"queue", "q"}, {"wait", -1}},
    {{"type", "take"}, {"project_id", project}, {"queue", "q"}, {"worker", ""}},
    {{"type", "heartbeat"}, {"project_id", project}},
    {{"type", "heartbeat"}, {"project_id", project}, {"lease", "x"}},
    {{"type", "publish"},
     {"project_id", project},
     {"lease", "x"},
     {"events", json::array{}}}};
  for (const auto& frame : wrong) {
    const auto answer = worker.ask(frame);
    EXPECT_EQ(answer.type(), "error") << json::serialize(frame);
    EXPECT_EQ(answer.data.at("code"), "invalid") << answer.text;
  }
  auto reader = viewer_with({.scope = "subscribe"});
  EXPECT_EQ(
    reader.ask({{"type", "take"}, {"project_id", project}, {"queue", "q"}})
      .data.at("code"),
    "forbidden");
}

TEST_F(dispatching, a_websocket_worker_that_hangs_up_gets_nothing) {
  {
    auto worker = viewer();
    worker.send({{"type", "take"},
                 {"project_id", project},
                 {"queue", "Build it"},
                 {"wait", 30}});
    ASSERT_TRUE(eventually([&] {
      return http.get("/metrics").body.find("callboard_waiting_workers 1")
             != std::string::npos;
    }));
    worker.abandon();
  }
  ASSERT_TRUE(eventually([&] {
    return http.get("/metrics").body.find("callboard_waiting_workers 0")
           != std::string::npos;
  }));
  create("a");
  EXPECT_EQ(take().attempt, 1u);
}

TEST_F(dispatching, runs_that_nobody_takes_are_as_before) {
  create("a");
  publish(run_event("a", {{"status", "running"}}));
  EXPECT_EQ(http.post(take_path()).status, 204);
  publish(run_event("a", {{"status", "completed"}}));
  publish(run_event("b", {{"workflow_name", "Build it"}}));
  EXPECT_EQ(http.post(take_path()).status, 204);
}

} // namespace callboard::test
