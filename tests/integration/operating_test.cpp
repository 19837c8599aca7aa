// What operators see: the ready line, health, metrics, the admin pages, and the
// verbs that need no node.

#include "tests/integration/live_node.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <regex>
#include <sstream>
#include <utility>

namespace callboard::test {

namespace {

class operating : public live_node {
protected:
  /// The value of a metric (with its labels), or -1.
  double metric(const std::string& name) {
    std::istringstream lines{http.get("/metrics").body};
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with(name + " "))
        return std::stod(line.substr(name.size() + 1));
    }
    return -1;
  }
};

} // namespace

TEST_F(operating, the_ready_line_is_one_json_object) {
  const auto ready = json::parse(node().ready_line()).as_object();
  EXPECT_EQ(ready.at("event"), "ready");
  EXPECT_TRUE(text(ready, "url").starts_with("http://127.0.0.1:"));
  EXPECT_FALSE(text(ready, "node").empty());
  EXPECT_FALSE(text(ready, "token").empty());
}

TEST_F(operating, the_dev_token_is_for_tenant_dev_with_all_scopes) {
  http_client dev{node().port(), node().token()};
  EXPECT_EQ(dev.publish("p", custom_event("test:a", {})).status / 100, 2);
  EXPECT_EQ(dev.get("/v1/projects").status, 200);
  EXPECT_EQ(dev.get("/v1/admin/storage").status, 200);
  ws_client ws{node().port(), {.token = node().token()}};
  EXPECT_EQ(ws.subscribe("tenant:dev").type(), "subscribed");
}

TEST_F(operating, health_and_readiness_need_no_token) {
  http_client nobody{node().port(), ""};
  EXPECT_EQ(nobody.get("/healthz").status, 200);
  EXPECT_EQ(nobody.get("/readyz").status, 200);
}

TEST_F(operating, metrics_are_prometheus_text_without_ids) {
  publish(run_event("an-id-that-must-not-be-a-label", {{"status", "running"}}));
  const auto response = http.get("/metrics");
  ASSERT_EQ(response.status, 200);
  EXPECT_TRUE(response.header("Content-Type").starts_with("text/plain"));
  const std::regex sample{
    R"(([a-z_:][a-z0-9_:]*)(\{[^}]*\})? [-+0-9.eEInfNa]+( [0-9]+)?)"};
  std::istringstream lines{response.body};
  std::size_t ours = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.starts_with("#"))
      continue;
    std::smatch match;
    EXPECT_TRUE(std::regex_match(line, match, sample)) << line;
    EXPECT_TRUE(line.starts_with("callboard_") || line.starts_with("process_"))
      << line;
    ours += line.starts_with("callboard_") ? 1u : 0u;
  }
  EXPECT_GT(ours, 20u);
  EXPECT_NE(response.body.find("_seconds_bucket{"), std::string::npos);
  EXPECT_EQ(response.body.find("an-id-that"), std::string::npos);
  EXPECT_EQ(response.body.find(project), std::string::npos);
}

TEST_F(operating, buckets_of_histograms_go_up) {
  const auto page = http.get("/metrics").body;
  const std::regex bucket{R"re((\w+)_bucket\{le="([^"]+)"\} (\d+))re"};
  std::map<std::string, std::pair<double, double>> last;
  for (std::sregex_iterator i{page.begin(), page.end(), bucket}, end; i != end;
       ++i) {
    const auto bound = std::stod((*i)[2]); // takes +Inf, too
    const auto count = std::stod((*i)[3]);
    auto [before, first] = last.try_emplace((*i)[1], bound, count);
    EXPECT_TRUE(bound <= 10 || std::isinf(bound)) << i->str();
    if (first)
      continue;
    EXPECT_LT(before->second.first, bound) << i->str();
    EXPECT_LE(before->second.second, count) << i->str();
    before->second = {bound, count};
  }
  EXPECT_TRUE(last.contains("callboard_http_request_seconds"));
  EXPECT_TRUE(last.contains("callboard_publish_seconds"));
  for (auto& [name, x] : last)
    EXPECT_TRUE(std::isinf(x.first)) << name;
}

TEST_F(operating, metrics_count_what_happens) {
  const std::string name = R"(callboard_events_total{outcome="accepted"})";
  const auto before = metric(name);
  ASSERT_GE(before, 0) << http.get("/metrics").body;
  publish(json::array{custom_event("test:a", {}), custom_event("test:b", {})});
  EXPECT_EQ(metric(name), before + 2);
}

TEST_F(operating, actors_can_be_listed_and_looked_into) {
  publish(
    json::array{run_event("watched", {{"name", "n"}, {"status", "running"}})});
  auto ws = viewer();
  ws.subscribe(room());
  const auto all = http.get("/v1/admin/actors?limit=1000");
  ASSERT_EQ(all.status, 200) << all.body;
  for (const auto* kind : {"run", "room", "shard", "edge"}) {
    const auto response
      = http.get(std::string{"/v1/admin/actors?limit=1000&kind="} + kind);
    ASSERT_EQ(response.status, 200) << response.body;
    const auto list = response.object();
    EXPECT_FALSE(list.at("items").as_array().empty()) << kind;
    for (const auto& item : list.at("items").as_array()) {
      EXPECT_EQ(item.as_object().at("kind"), kind);
      EXPECT_TRUE(item.as_object().contains("id"));
      EXPECT_TRUE(item.as_object().contains("node"));
    }
  }
  const auto run = http.get("/v1/admin/actors/run/watched");
  EXPECT_EQ(run.status, 200) << run.body;
  EXPECT_NE(run.body.find("running"), std::string::npos);
  const auto in_room = http.get("/v1/admin/actors/room/project:" + project);
  EXPECT_EQ(in_room.status, 200) << in_room.body;
  EXPECT_EQ(http.get("/v1/admin/actors/run/none").status, 404);
  EXPECT_EQ(http.get("/v1/admin/actors?kind=odd").status, 400);
}

TEST_F(operating, sessions_can_be_listed_and_closed) {
  auto ws = viewer_with({.subject = "user-" + project});
  ws.subscribe(room());
  const auto response = http.get("/v1/admin/sessions?limit=1000");
  ASSERT_EQ(response.status, 200) << response.body;
  std::string id;
  const auto list = response.object();
  for (const auto& item : list.at("items").as_array()) {
    const auto& session = item.as_object();
    if (text(session, "user") != "user-" + project)
      continue;
    const auto& value = session.at("id");
    id = value.is_string() ? std::string{value.as_string()}
                           : json::serialize(value);
    EXPECT_TRUE(id.starts_with(text(session, "node") + ":")) << id;
    EXPECT_EQ(session.at("transport"), "websocket");
    EXPECT_NE(json::serialize(session.at("rooms")).find(room()),
              std::string::npos);
  }
  ASSERT_FALSE(id.empty()) << response.body;
  EXPECT_EQ(http.remove("/v1/admin/sessions/" + id).status / 100, 2);
  const auto code = ws.wait_close();
  EXPECT_NE(code, 1006) << "an orderly end";
  EXPECT_TRUE(eventually(
    [&] { return http.remove("/v1/admin/sessions/" + id).status == 404; }));
}

TEST_F(operating, storage_tells_its_sizes) {
  const auto response = http.get("/v1/admin/storage");
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_NE(response.body.find("bytes"), std::string::npos) << response.body;
}

TEST_F(operating, the_interface_is_described) {
  const auto response = http.get("/v1/admin/openapi.json");
  ASSERT_EQ(response.status, 200);
  const auto document = response.object();
  EXPECT_TRUE(text(document, "openapi").starts_with("3.1"));
  EXPECT_GE(document.at("paths").as_object().size(), 15u);
  EXPECT_NE(response.body.find("/events\""), std::string::npos);
}

TEST_F(operating, every_answer_has_a_request_id_which_may_be_given) {
  const auto plain = http.get(path("/runs"));
  EXPECT_FALSE(plain.header("X-Request-Id").empty());
  const auto given = http.get(path("/runs/none"), {{"X-Request-Id", "mine-1"}});
  EXPECT_EQ(given.header("X-Request-Id"), "mine-1");
  EXPECT_EQ(text(given.object(), "request_id"), "mine-1");
}

TEST(verbs, a_node_without_a_key_refuses_to_start_and_says_how_to_give_one) {
  try {
    const node_process node{
      {.dev = false, .env = {{"CALLBOARD_AUTH_SECRET", ""}}}};
    FAIL() << "it started";
  } catch (const node_failed& x) {
    EXPECT_EQ(x.status, 2) << x.errors;
    EXPECT_NE(x.errors.find("CALLBOARD_AUTH_SECRET"), std::string::npos)
      << x.errors;
    EXPECT_NE(x.errors.find("secret_file"), std::string::npos) << x.errors;
  }
}

TEST(verbs, without_dev_there_is_no_token_in_the_ready_line) {
  const node_process node{{.dev = false}};
  EXPECT_EQ(node.token(), "");
  http_client http{node.port(), make_token({})};
  EXPECT_EQ(http.publish("p", custom_event("test:a", {})).status / 100, 2);
}

TEST(verbs, dev_listens_on_loopback_only) {
  const auto result
    = run_callboard({"serve", "--dev", "--data", "/tmp/callboard-never-made",
                     "--listen", "0.0.0.0:0"});
  EXPECT_EQ(result.status, 2) << result.errors;
  EXPECT_NE(result.errors.find("loopback"), std::string::npos) << result.errors;
}

TEST(verbs, token_makes_one_that_a_node_accepts) {
  const node_process node;
  const auto result = run_callboard(
    {"token", "--tenant", "t9", "--sub", "u9", "--scope", "publish subscribe",
     "--project", "p1", "--project", "p2", "--expires", "1h"},
    {{"CALLBOARD_AUTH_SECRET", std::string{test_secret}}});
  ASSERT_EQ(result.status, 0) << result.errors;
  auto token = result.output;
  token.erase(token.find_last_not_of('\n') + 1);
  http_client http{node.port(), token};
  EXPECT_EQ(http.publish("p1", custom_event("test:a", {})).status / 100, 2);
  EXPECT_EQ(http.publish("p3", custom_event("test:a", {})).status, 403);
  EXPECT_EQ(http.get("/v1/admin/storage").status, 403);
}

TEST(verbs, wrong_usage_ends_with_2_and_help_and_version_with_0) {
  EXPECT_EQ(run_callboard({"no-such-verb"}).status, 2);
  EXPECT_EQ(run_callboard({"serve", "--no-such-flag"}).status, 2);
  EXPECT_EQ(run_callboard({}).status, 2);
  EXPECT_EQ(run_callboard({"--help"}).status, 0);
  const auto version = run_callboard({"--version"});
  EXPECT_EQ(version.status, 0);
  EXPECT_NE(version.output.find("0.1.0"), std::string::npos) << version.output;
}

TEST(verbs, publish_and_tail_work_against_a_node) {
  const node_process node;
  const std::vector<std::string> where{
    "--url",     "http://127.0.0.1:" + std::to_string(node.port()),
    "--token",   node.token(),
    "--project", "p"};
  const auto run = [&](std::vector<std::string> words) {
    words.insert(words.end(), where.begin(), where.end());
    return run_callboard(words);
  };
  const auto published
    = run({"publish", "--type", "test:a", "--data", R"({"x":1.0})"});
  EXPECT_EQ(published.status, 0) << published.errors;
  const auto tailed = run({"tail", "--since", "0", "--count", "1", "--raw"});
  EXPECT_EQ(tailed.status, 0) << tailed.errors;
  EXPECT_NE(tailed.output.find(R"("x":1.0)"), std::string::npos)
    << tailed.output;
}

TEST(verbs, what_is_refused_or_out_of_reach_has_its_own_exit_status) {
  const node_process node;
  const auto publish = [&](std::uint16_t port, const std::string& token) {
    return run_callboard({"publish", "--url",
                          "http://127.0.0.1:" + std::to_string(port), "--token",
                          token, "--project", "p", "--type", "test:a", "--data",
                          "{}", "--retry-for", "1s"})
      .status;
  };
  EXPECT_EQ(publish(node.port(), make_token({.scope = "subscribe"})), 3);
  EXPECT_EQ(publish(node.port(), "nonsense"), 3);
  EXPECT_EQ(publish(1, node.token()), 4);
}

} // namespace callboard::test
