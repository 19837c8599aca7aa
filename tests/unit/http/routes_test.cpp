#include "transport/openapi.hpp"
#include "transport/routes.hpp"

#include "tests/unit/http/http_fixture.hpp"

#include <algorithm>
#include <set>

namespace callboard::test {

namespace {

/// A path that matches a route's pattern.
std::string example_of(std::string_view pattern) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '{') {
      out += pattern[i];
      continue;
    }
    auto end = pattern.find('}', i);
    auto name = pattern.substr(i + 1, end - i - 1);
    out += name == "kind" ? "run" : name == "actor_id..." ? "t1/p1/e1" : "x1";
    i = end;
  }
  return out;
}

std::set<std::string> methods_of(std::string_view pattern) {
  std::set<std::string> out;
  for (auto& x : all_routes())
    if (x.pattern == pattern) {
      out.emplace(x.method);
      if (x.method == "GET")
        out.emplace("HEAD");
    }
  return out;
}

class calls : public http_test {
protected:
  void SetUp() override {
    auto conf = default_settings();
    conf.listen.operator_address = "127.0.0.1:0";
    start(conf);
  }

  wire_reply ask_operator(const std::string& method, const std::string& target,
                          const std::string& with_token = {}) {
    wire_client client{operator_port_};
    client.send(text_of(method, target, {}, {}, with_token));
    return client.receive();
  }
};

} // namespace

TEST_F(calls, every_route_names_its_methods_to_a_wrong_one) {
  for (auto& x : all_routes()) {
    auto right = methods_of(x.pattern);
    for (std::string method :
         {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
      auto found = find_route(method, example_of(x.pattern));
      if (right.contains(method)) {
        EXPECT_TRUE(found) << method << " " << x.pattern;
        continue;
      }
      ASSERT_FALSE(found) << method << " " << x.pattern;
      EXPECT_EQ(found.error().why.code, errc::method_not_allowed);
      for (auto& allowed : right)
        EXPECT_NE(found.error().allow.find(allowed), std::string::npos);
    }
  }
  auto reply = ask("PATCH", "/v1/projects/p1/runs");
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(reply.member("code"), "method_not_allowed");
  EXPECT_EQ(reply.header("allow"), "GET, HEAD, POST");
}

TEST_F(calls, every_route_but_the_open_ones_needs_a_token_of_the_right_scope) {
  for (auto& x : all_routes()) {
    std::string method{x.method};
    auto path = example_of(x.pattern);
    auto none = ask(method, path, "", "", "");
    if (x.needs == access::open) {
      EXPECT_EQ(none.status, 200) << path;
      continue;
    }
    EXPECT_EQ(none.status, 401) << method << path;
    EXPECT_EQ(none.header("www-authenticate"), "Bearer");
    EXPECT_EQ(none.member("code"), "unauthenticated");
    std::string scope = x.needs == access::publish     ? "subscribe operate"
                        : x.needs == access::subscribe ? "publish operate"
                                                       : "publish subscribe";
    auto wrong = ask(method, path, "", "", token(scope));
    EXPECT_EQ(wrong.status, 403) << method << path;
    EXPECT_EQ(wrong.member("code"), "forbidden");
  }
}

TEST_F(calls, a_project_outside_the_token_is_forbidden_on_every_route) {
  auto restricted = token("publish subscribe", "t1", {"p1"});
  for (auto& x : all_routes())
    if (x.pattern.find("{project_id}") != x.pattern.npos) {
      auto reply
        = ask(std::string{x.method}, example_of(x.pattern), "", "", restricted);
      EXPECT_EQ(reply.status, 403) << x.pattern;
    }
  EXPECT_EQ(ask("GET", "/v1/projects/p1/runs", "", "", restricted).status, 200);
}

TEST_F(calls, unknown_paths_and_bad_ids_are_told_apart) {
  for (std::string path : {"/", "/v1", "/v1/", "/v2/projects", "/v1/projects/",
                           "/v1/projects/p1/", "/v1/projects/p1/runs/e1/nope",
                           "/v1/projects//runs", "/v1/admin/actors/run/"})
    EXPECT_EQ(ask("GET", path).status, 404) << path;
  for (std::string path : {"/v1/projects/p%201/runs", "/v1/projects/p%2F1/runs",
                           "/v1/projects/p%00/runs"}) {
    auto reply = ask("GET", path);
    EXPECT_EQ(reply.status, 400) << path;
    EXPECT_EQ(reply.member("pointer"), "/project_id");
  }
  EXPECT_EQ(
    ask("GET", "/v1/projects/" + std::string(129, 'p') + "/runs").status, 400);
  EXPECT_EQ(ask("GET", "/v1/projects/%zz/runs").status, 400);
  EXPECT_EQ(ask("GET", "/v1/projects/%70%31/runs").status, 200);
  EXPECT_EQ(engine_.last_query<query::list_runs>().room.project.value, "p1");
}

TEST_F(calls, a_list_of_runs_takes_its_filters) {
  EXPECT_EQ(ask("GET",
                "/v1/projects/p1/runs?status=running,paused&status=failed"
                "&definition=d1&order=asc&limit=7&cursor=a%20b")
              .status,
            200);
  auto asked = engine_.last_query<query::list_runs>();
  EXPECT_EQ(asked.room, (room_key{{"t1"}, {"p1"}}));
  EXPECT_EQ(
    asked.statuses,
    (std::vector{run_status::running, run_status::paused, run_status::failed}));
  EXPECT_EQ(asked.definition->value, "d1");
  EXPECT_EQ(asked.sort, query::order::oldest_first);
  EXPECT_EQ(asked.limit, 7u);
  EXPECT_EQ(asked.cursor, "a b");
  ask("GET", "/v1/projects/p1/runs");
  asked = engine_.last_query<query::list_runs>();
  EXPECT_EQ(asked.sort, query::order::newest_first);
  EXPECT_EQ(asked.limit, 50u);
}

TEST_F(calls, bad_query_parameters_are_named) {
  struct {
    std::string query, pointer;
  } cases[]{{"runs?limit=0", "/limit"},
            {"runs?limit=1001", "/limit"},
            {"runs?limit=x", "/limit"},
            {"runs?limit=-1", "/limit"},
            {"runs?limit=", "/limit"},
            {"runs?status=flying", "/status"},
            {"runs?order=sideways", "/order"},
            {"runs?definition=a%20b", "/definition"},
            {"events?since=-1", "/since"},
            {"events?since=1e3", "/since"},
            {"events?execution=%20", "/execution"},
            {"events?since=99999999999999999999", "/since"}};
  for (auto& x : cases) {
    auto reply = ask("GET", "/v1/projects/p1/" + x.query);
    EXPECT_EQ(reply.status, 400) << x.query;
    EXPECT_EQ(reply.member("pointer"), x.pointer) << x.query;
  }
}

TEST_F(calls, history_is_a_page_after_a_position) {
  ask("GET",
      "/v1/projects/p1/events?since=41&types=a:*,b:c&execution=e1&limit=1000");
  auto asked = engine_.last_query<query::room_events>();
  EXPECT_EQ(asked.since.value, 41u);
  EXPECT_EQ(asked.types, (std::vector<std::string>{"a:*", "b:c"}));
  EXPECT_EQ(asked.run->value, "e1");
  EXPECT_EQ(asked.limit, 1000u);
  ask("GET", "/v1/projects/p1/events?since=41&cursor=91");
  EXPECT_EQ(engine_.last_query<query::room_events>().since.value, 91u);
}

TEST_F(calls, a_new_run_has_a_location) {
  auto reply
    = ask("POST", "/v1/projects/p1/runs",
          R"({"id":"e1","name":"n","input":{"a":1.0},"mine":[1],"x":null})");
  EXPECT_EQ(reply.status, 201);
  EXPECT_EQ(reply.header("location"), "/v1/projects/p1/runs/e1");
  auto asked = engine_.last_command().arguments;
  EXPECT_EQ(asked.fields, R"({"name":"n","input":{"a":1.0},"mine":[1]})");
  EXPECT_EQ(asked.asked_by, "ann");
  EXPECT_EQ(ask("POST", "/v1/projects/p1/runs", "").status, 201);
  EXPECT_EQ(engine_.last_command().arguments.run.value.size(), 36u);
}

TEST_F(calls, a_new_run_with_wrong_fields_is_refused) {
  struct {
    std::string body, pointer;
  } cases[]{{R"({"id":"a b"})", "/id"},
            {R"({"id":7})", "/id"},
            {R"({"name":7})", "/name"},
            {R"({"workflow_definition_id":""})", "/workflow_definition_id"},
            {R"({"status":"completed"})", "/status"}};
  for (auto& x : cases) {
    auto reply = ask("POST", "/v1/projects/p1/runs", x.body);
    EXPECT_EQ(reply.status, 400) << x.body;
    EXPECT_EQ(reply.member("pointer"), x.pointer) << x.body;
  }
  for (std::string body : {"[]", "7", "{", R"({"a":1,"a":2})"})
    EXPECT_EQ(ask("POST", "/v1/projects/p1/runs", body).status, 400) << body;
}

TEST_F(calls, commands_reach_the_engine) {
  const std::string run = "/v1/projects/p1/runs/e1";
  EXPECT_EQ(ask("POST", run + "/pause", R"({"reason":"why \"not\""})").status,
            200);
  EXPECT_EQ(engine_.last_command().arguments.what, run_command::pause);
  EXPECT_EQ(engine_.last_command().arguments.reason, "why \"not\"");
  EXPECT_EQ(ask("POST", run + "/retry").status, 200);
  EXPECT_EQ(engine_.last_command().arguments.what, run_command::retry);
  EXPECT_EQ(ask("POST", run + "/pause", R"({"reason":7})").member("pointer"),
            "/reason");
  EXPECT_EQ(
    ask("POST", run + "/steps/s1/input", R"({"value":{"a":1.0}})").status, 200);
  EXPECT_EQ(engine_.last_command().arguments.value, R"({"a":1.0})");
  EXPECT_EQ(engine_.last_command().arguments.step.value, "s1");
  EXPECT_EQ(ask("POST", run + "/steps/s1/input", "{}").member("pointer"),
            "/value");
}

TEST_F(calls, definitions_are_put_and_deleted) {
  const std::string path = "/v1/projects/p1/definitions/d1";
  EXPECT_EQ(ask("PUT", path, R"( {"name":"n","phases":["a"]} )").status, 200);
  EXPECT_EQ(engine_.last_definition().fields, R"({"name":"n","phases":["a"]})");
  auto gone = ask("DELETE", path);
  EXPECT_EQ(gone.status, 204);
  EXPECT_EQ(gone.body, "");
  EXPECT_EQ(engine_.last_definition().fields, "");
  EXPECT_EQ(ask("PUT", path, R"({"phases":[]})").member("pointer"), "/name");
  EXPECT_EQ(ask("PUT", path, R"({"name":"n"})").member("pointer"), "/phases");
  // Other members are kept: what GET gave may be PUT again.
  EXPECT_EQ(
    ask("PUT", path, R"({"id":"d1","name":"n","phases":[],"x":1})").status,
    200);
}

TEST_F(calls, a_token_of_no_project_sees_an_empty_list) {
  // A token cannot be issued so, but another issuer may sign one.
  principal nobody;
  nobody.tenant = {"t1"};
  nobody.restricted = nobody.may_subscribe = true;
  auto found = find_route("GET", "/v1/projects");
  ASSERT_TRUE(found);
  auto conf = default_settings();
  auto planned = list_projects({found->path,
                                found->target,
                                nobody,
                                std::make_shared<const std::string>(),
                                {},
                                conf});
  ASSERT_TRUE(planned);
  EXPECT_EQ(std::get<http_reply>(planned->what).body, R"({"items":[]})");
}

TEST_F(calls, actors_are_found_by_kind_and_id) {
  EXPECT_EQ(ask("GET", "/v1/admin/actors?kind=run&limit=3").status, 200);
  auto asked = engine_.last_admin();
  EXPECT_EQ(std::get<find_actors>(asked).kind, "run");
  EXPECT_EQ(ask("GET", "/v1/admin/actors?kind=ghost").member("pointer"),
            "/kind");
  for (std::string id : {"t1/p1/e1", "t1%2Fp1%2Fe1"}) {
    EXPECT_EQ(ask("GET", "/v1/admin/actors/run/" + id).status, 200);
    asked = engine_.last_admin();
    EXPECT_EQ(std::get<inspect_actor>(asked).id, "t1/p1/e1");
    EXPECT_EQ(std::get<inspect_actor>(asked).tenant.value, "t1");
  }
}

TEST_F(calls, the_operator_listener_serves_operators_without_a_token) {
  EXPECT_EQ(ask_operator("GET", "/healthz").status, 200);
  EXPECT_EQ(ask_operator("GET", "/metrics").status, 200);
  EXPECT_EQ(ask_operator("GET", "/v1/admin/storage").status, 200);
  EXPECT_TRUE(std::get<inspect_storage>(engine_.last_admin()).tenant.empty());
  EXPECT_EQ(ask_operator("GET", "/v1/projects/p1/runs", token()).status, 404);
  EXPECT_EQ(ask_operator("GET", "/v1/admin/storage", "rubbish").status, 401);
  EXPECT_EQ(ask_operator("GET", "/v1/admin/storage", token("subscribe")).status,
            403);
}

TEST_F(calls, readiness_says_why_not) {
  EXPECT_EQ(ask("GET", "/readyz", "", "", "").status, 200);
  engine_.is_ready = false;
  auto reply = ask("GET", "/readyz", "", "", "");
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.member("detail"), "the store is opening");
  EXPECT_FALSE(reply.header("retry-after").empty());
}

TEST_F(calls, metrics_are_for_operators) {
  EXPECT_EQ(ask("GET", "/metrics", "", "", "").status, 401);
  EXPECT_EQ(ask("GET", "/metrics", "", "", token("subscribe")).status, 403);
  EXPECT_EQ(ask("GET", "/metrics", "", "", token("operate")).status, 200);
}

TEST_F(calls, metrics_are_prometheus_text) {
  ask("GET", "/healthz");
  auto reply = ask("GET", "/metrics");
  EXPECT_EQ(reply.status, 200);
  EXPECT_TRUE(
    reply.header("content-type").starts_with("text/plain; version=0.0.4"));
  for (std::string_view line :
       {"callboard_events_total{outcome=\"accepted\"} 7",
        "callboard_http_requests_total",
        "callboard_log_sync_seconds_bucket{le=\"+Inf\"} 6",
        "callboard_log_sync_seconds_bucket{le=\"0.01\"} 5",
        "callboard_log_sync_seconds_sum 0.5", "callboard_resident_memory_bytes",
        "callboard_limit_bytes{limit=\"event\"} 1048576",
        "callboard_uptime_seconds"})
    EXPECT_NE(reply.body.find(line), std::string::npos) << line << "\n"
                                                        << reply.body;
}

TEST_F(calls, metrics_show_each_shard_and_each_peer_of_a_cluster) {
  auto reply = ask("GET", "/metrics");
  for (std::string_view line :
       {"callboard_shard_leader{shard=\"0\"} 1",
        "callboard_shard_leader{shard=\"directory\"} 0",
        "callboard_shard_voter{shard=\"directory\"} 0",
        "callboard_shard_term{shard=\"0\"} 3",
        "callboard_shard_last_index{shard=\"0\"} 41",
        "callboard_shard_commit_index{shard=\"0\"} 40",
        "callboard_shard_applied_index{shard=\"0\"} 39",
        "callboard_shard_leadership_changes_total{shard=\"0\"} 2",
        "callboard_shard_lag_entries{shard=\"0\",node=\"n3\",voter=\"false\"} "
        "30",
        "callboard_peer_up{peer=\"n2\"} 1",
        "callboard_peer_sent_bytes_total{peer=\"n2\"} 1000",
        "callboard_peer_round_trip_seconds{peer=\"n2\"} 0.00025"})
    EXPECT_NE(reply.body.find(line), std::string::npos) << line << "\n"
                                                        << reply.body;
}

TEST_F(calls, an_operator_may_ask_for_a_drain) {
  std::atomic<bool> asked{false};
  server_->on_drain_request([&] { asked = true; });
  EXPECT_EQ(ask("POST", "/v1/admin/drain").status, 202);
  EXPECT_TRUE(eventually([&] { return asked.load(); }));
}

TEST_F(calls, the_cluster_is_shown_to_operators_whatever_their_tenant) {
  for (auto tenant : {"t1", "t2"}) {
    auto reply
      = ask("GET", "/v1/admin/cluster", "", "", token("operate", tenant));
    EXPECT_EQ(reply.status, 200);
    EXPECT_TRUE(std::holds_alternative<inspect_cluster>(engine_.last_admin()));
  }
  EXPECT_EQ(ask_operator("GET", "/v1/admin/cluster").status, 200);
}

TEST_F(calls, orders_for_the_cluster_are_accepted_and_passed_on) {
  using what = cluster_order::what;
  struct order {
    std::string method, target, body;
    what means;
    std::string node;
    std::optional<std::uint32_t> shard;
  };
  const std::string cluster = "/v1/admin/cluster";
  const std::string node = R"({"node":"n4"})";
  for (auto& x : std::vector<order>{
         {"POST", "/nodes", node, what::add_node, "n4", {}},
         {"DELETE", "/nodes/n4", "", what::remove_node, "n4", {}},
         {"POST", "/rebalance", "", what::rebalance, "", {}},
         {"POST", "/shards/3/transfer", node, what::transfer, "n4", 3},
         {"PUT", "/shards/0/pin", node, what::pin, "n4", 0},
         {"DELETE", "/shards/15/pin", "", what::pin, "", 15},
       }) {
    auto reply = ask(x.method, cluster + x.target, x.body,
                     "Content-Type: application/json\r\n");
    EXPECT_EQ(reply.status, 202) << x.method << x.target << reply.body;
    auto said = std::get<cluster_order>(engine_.last_admin());
    EXPECT_EQ(said.order, x.means) << x.target;
    EXPECT_EQ(said.node, x.node) << x.target;
    EXPECT_EQ(said.shard, x.shard) << x.target;
  }
}

TEST_F(calls, orders_for_the_cluster_say_what_is_wrong_with_them) {
  auto pointer = [&](std::string body) {
    auto reply = ask("POST", "/v1/admin/cluster/nodes", body,
                     "Content-Type: application/json\r\n");
    EXPECT_EQ(reply.status, 400) << body;
    return reply.member("pointer");
  };
  for (std::string body :
       {"{}", R"({"node":7})", R"({"node":"a b"})", R"({"node":""})"})
    EXPECT_EQ(pointer(body), "/node");
  for (std::string shard : {"x", "-1", "99999999999", "1x"})
    EXPECT_EQ(
      ask("DELETE", "/v1/admin/cluster/shards/" + shard + "/pin").status, 404);
  EXPECT_EQ(ask("DELETE", "/v1/admin/cluster/nodes/a%20b").status, 404);
  EXPECT_EQ(ask("GET", "/v1/admin/cluster/nodes").status, 405);
}

TEST_F(calls, the_openapi_document_has_every_route) {
  auto reply = ask("GET", "/v1/admin/openapi.json");
  auto parsed = json::document::parse(reply.body);
  ASSERT_TRUE(parsed) << parsed.error().detail;
  auto paths = parsed->root().find("paths");
  std::size_t operations = 0;
  for (auto [path, methods] : paths->members())
    operations += methods.size();
  EXPECT_EQ(operations, all_routes().size());
}

} // namespace callboard::test
