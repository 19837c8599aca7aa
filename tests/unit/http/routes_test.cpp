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
    start();
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
