// Every call and every viewer on any node, whichever leads.

#include "tests/cluster/cluster_test.hpp"

#include <set>

namespace callboard::test {

namespace {

constexpr int count = 3;

/// One cluster for all tests of the suite; each has a project of its own.
class any_node : public ::testing::Test {
protected:
  static void SetUpTestSuite() {
    shared = std::make_unique<cluster_process>(cluster_process::options{});
  }

  static void TearDownTestSuite() {
    shared.reset();
  }

  void TearDown() override {
    if (HasFailure())
      std::cerr << shared->log_ends(30);
  }

  static std::string path(const std::string& project, const std::string& rest) {
    return "/v1/projects/" + project + rest;
  }

  /// Publishes through node i; its seq.
  static std::uint64_t publish(int i, const std::string& project,
                               const json::object& event) {
    const auto response = shared->ask(i, "POST", path(project, "/events"),
                                      json::serialize(event));
    EXPECT_EQ(response.status / 100, 2) << i << ": " << response.body;
    if (response.status / 100 != 2)
      return 0;
    return response.object()
      .at("results")
      .as_array()
      .front()
      .at("seq")
      .to_number<std::uint64_t>();
  }

  static http_response call(int i, std::string_view method,
                            const std::string& target,
                            std::string_view body = {}) {
    return shared->ask(i, method, target, body);
  }

  static std::unique_ptr<cluster_process> shared;
};

std::unique_ptr<cluster_process> any_node::shared;

} // namespace

TEST_F(any_node, takes_events_and_gives_them_one_order) {
  for (std::uint64_t n = 0; n < 12; ++n) {
    const auto node = static_cast<int>(n % count);
    EXPECT_EQ(publish(node, "order", plain_event("o" + std::to_string(n))),
              n + 1);
  }
  const auto first = read_room(*shared, 0, "order");
  EXPECT_EQ(first.size(), 12u);
  EXPECT_EQ(read_room(*shared, 1, "order"), first);
  EXPECT_EQ(read_room(*shared, 2, "order"), first);
}

TEST_F(any_node, knows_what_was_sent_before_through_another) {
  const auto seq = publish(0, "twice", plain_event("t1"));
  EXPECT_EQ(publish(1, "twice", plain_event("t1")), seq);
  EXPECT_EQ(publish(2, "twice", plain_event("t1")), seq);
}

TEST_F(any_node, refuses_what_is_illegal) {
  for (int i = 0; i < count; ++i) {
    const auto run = "illegal" + std::to_string(i);
    publish(i, "illegal", run_change(run, {{"status", "cancelled"}}));
    const auto again
      = call((i + 1) % count, "POST", path("illegal", "/events"),
             json::serialize(run_change(run, {{"status", "running"}})));
    EXPECT_EQ(again.status, 409) << again.body;
    EXPECT_EQ(again.code(), "conflict");
  }
}

TEST_F(any_node, tells_a_run_as_it_is_now) {
  for (int i = 0; i < count; ++i) {
    for (int other = 0; other < count; ++other) {
      const auto name = std::to_string(i) + std::to_string(other);
      const auto seq = publish(i, "now", run_change("r", {{"name", name}}));
      const auto response = call(other, "GET", path("now", "/runs/r"));
      ASSERT_EQ(response.status, 200) << response.body;
      EXPECT_EQ(response.object().at("name").as_string(), name);
      EXPECT_EQ(response.object().at("room_seq").to_number<std::uint64_t>(),
                seq);
    }
  }
}

TEST_F(any_node, lists_runs_and_projects) {
  for (int i = 0; i < count; ++i)
    publish(i, "listed",
            run_change("l" + std::to_string(i), {{"status", "running"}}));
  for (int i = 0; i < count; ++i) {
    const auto list = call(i, "GET", path("listed", "/runs"));
    ASSERT_EQ(list.status, 200) << list.body;
    EXPECT_EQ(list.object().at("items").as_array().size(), 3u) << list.body;
    const auto projects = call(i, "GET", "/v1/projects");
    ASSERT_EQ(projects.status, 200) << projects.body;
    EXPECT_NE(projects.body.find("listed"), std::string::npos)
      << "at " << i << ": " << projects.body;
  }
}

TEST_F(any_node, takes_commands_and_definitions) {
  publish(0, "orders", run_change("r", {{"status", "running"}}));
  EXPECT_EQ(call(1, "POST", path("orders", "/runs/r/pause"), "{}").status / 100,
            2);
  EXPECT_EQ(call(2, "GET", path("orders", "/runs/r")).object().at("status"),
            "paused");
  EXPECT_EQ(
    call(2, "POST", path("orders", "/runs/r/resume"), "{}").status / 100, 2);
  EXPECT_EQ(call(0, "GET", path("orders", "/runs/r")).object().at("status"),
            "running");
  const auto defined = call(1, "PUT", path("orders", "/definitions/d"),
                            R"({"name":"D","phases":[]})");
  EXPECT_EQ(defined.status / 100, 2) << defined.body;
  for (int i = 0; i < count; ++i)
    EXPECT_EQ(call(i, "GET", path("orders", "/definitions/d")).status, 200);
}

TEST_F(any_node, shows_viewers_what_was_missed_and_what_comes) {
  publish(0, "seen", plain_event("v1"));
  publish(1, "seen", plain_event("v2"));
  std::vector<ws_client> viewers;
  for (int i = 0; i < count; ++i) {
    viewers.push_back(shared->viewer(i));
    const auto answer
      = viewers.back().subscribe("project:seen", {{"since", 1}});
    EXPECT_EQ(answer.type(), "subscribed") << answer.text;
    EXPECT_EQ(answer.seq(), 2u) << answer.text;
  }
  publish(2, "seen", plain_event("v3"));
  for (auto& x : viewers) {
    for (const std::uint64_t seq : {2u, 3u}) {
      const auto got
        = x.receive_if([](const ws_message& m) { return m.seq() != 0; });
      EXPECT_EQ(got.seq(), seq);
      EXPECT_EQ(got.data.at("id").as_string(), "v" + std::to_string(seq));
    }
  }
}

TEST_F(any_node, passes_chunks_of_streams_on) {
  publish(0, "chunks", run_change("r", {{"status", "running"}}));
  std::vector<ws_client> viewers;
  for (int i = 0; i < count; ++i) {
    viewers.push_back(shared->viewer(i));
    viewers.back().subscribe("project:chunks");
  }
  const json::object chunk{
    {"type", "workflow:execution:step:stream"},
    {"data", {{"execution_id", "r"}, {"step_id", "s"}, {"chunk", "hello"}}}};
  const auto response
    = call(1, "POST", path("chunks", "/events"), json::serialize(chunk));
  EXPECT_EQ(response.status / 100, 2) << response.body;
  for (auto& x : viewers)
    EXPECT_NE(
      x.receive_type("workflow:execution:step:stream").text.find("hello"),
      std::string::npos);
}

TEST_F(any_node, shows_operators_all_actors_and_sessions) {
  auto ws = shared->viewer(1);
  ws.subscribe("project:watched");
  publish(0, "watched", run_change("w", {{"status", "running"}}));
  for (int i = 0; i < count; ++i) {
    const auto shards
      = call(i, "GET", "/v1/admin/actors?kind=shard&limit=1000");
    ASSERT_EQ(shards.status, 200) << shards.body;
    std::set<std::string> seen;
    const auto list = shards.object();
    for (const auto& item : list.at("items").as_array())
      seen.insert(std::string{item.as_object().at("node").as_string()});
    EXPECT_EQ(seen, (std::set<std::string>{"n0", "n1", "n2"})) << "at " << i;
    EXPECT_TRUE(shared->leader_of("watched", i)) << i;
    EXPECT_EQ(shared->leader_of("watched", i), shared->leader_of("watched", 0));
    EXPECT_NE(call(i, "GET", "/v1/admin/sessions?limit=1000")
                .body.find("project:watched"),
              std::string::npos)
      << i;
  }
}

TEST_F(any_node, shows_operators_which_nodes_watch_a_room) {
  publish(0, "overlooked", plain_event("o"));
  std::vector<ws_client> viewers;
  for (int i = 0; i < count; ++i) {
    viewers.push_back(shared->viewer(i));
    viewers.back().subscribe("project:overlooked");
  }
  for (int i = 0; i < count; ++i) {
    const auto response
      = call(i, "GET", "/v1/admin/actors/room/project:overlooked");
    ASSERT_EQ(response.status, 200) << response.body;
    const auto room = response.object();
    std::multiset<std::string> seen;
    for (const auto& item : room.at("state").at("subscribers").as_array()) {
      EXPECT_TRUE(item.at("joined").as_bool()) << response.body;
      seen.insert(std::string{item.at("node").as_string()});
    }
    EXPECT_EQ(seen, (std::multiset<std::string>{"n0", "n1", "n2"}))
      << "at " << i;
  }
}

TEST_F(any_node, closes_a_session_of_another) {
  for (int i = 0; i < count; ++i) {
    auto ws = shared->viewer((i + 1) % count);
    ws.subscribe("project:closed" + std::to_string(i));
    const auto response = call(i, "GET", "/v1/admin/sessions?limit=1000");
    const auto list = response.object();
    std::string id;
    for (const auto& item : list.at("items").as_array()) {
      if (json::serialize(item).find("closed" + std::to_string(i))
          == std::string::npos)
        continue;
      const auto& value = item.as_object().at("id");
      id = value.is_string() ? std::string{value.as_string()}
                             : json::serialize(value);
    }
    ASSERT_FALSE(id.empty()) << response.body;
    EXPECT_EQ(call(i, "DELETE", "/v1/admin/sessions/" + id).status / 100, 2);
    EXPECT_NE(ws.wait_close(), 1006);
  }
}

TEST_F(any_node, tells_the_same_of_the_cluster) {
  for (int i = 0; i < count; ++i) {
    const auto status = shared->status(i);
    EXPECT_EQ(status.at("nodes").as_array().size(), 3u);
    EXPECT_FALSE(status.at("shards").as_array().empty());
    for (const auto& item : status.at("shards").as_array())
      EXPECT_TRUE(item.as_object().contains("leader")) << json::serialize(item);
    EXPECT_EQ(call(i, "GET", "/readyz").status, 200);
  }
}

TEST_F(any_node, keeps_tenants_apart) {
  publish(0, "walls", plain_event("mine"));
  for (int i = 0; i < count; ++i) {
    const auto theirs = shared->ask(i, "GET", path("walls", "/events"), {},
                                    patience, {.tenant = "t2"});
    EXPECT_EQ(theirs.body.find("mine"), std::string::npos) << theirs.body;
  }
}

} // namespace callboard::test
