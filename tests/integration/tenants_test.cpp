// Tenants are walls: every call and every subscription with another tenant's
// token and guessed ids.

#include "tests/integration/live_node.hpp"

namespace callboard::test {

namespace {

constexpr std::string_view secret_text = "only-for-its-own-tenant";

class tenants : public live_node {
protected:
  tenants() {
    owner_claims_.tenant = "owner-" + project;
    intruder_claims_.tenant = "intruder-" + project;
    auto owner = client(owner_claims_);
    const json::array events{
      run_event("r1", {{"name", secret_text},
                       {"status", "running"},
                       {"workflow_definition_id", "d1"}}),
      step_event("r1", "s1",
                 {{"status", "waiting"},
                  {"output", secret_text},
                  {"input_request", {{"prompt", secret_text}}}}),
      timeline_event("r1",
                     {{"id", "t1"}, {"kind", "log"}, {"message", secret_text}}),
      artifact_event("r1",
                     {{"id", "a1"}, {"name", secret_text}, {"kind", "file"}}),
      json::object{{"type", "workflow:definition:updated"},
                   {"data",
                    {{"definition_id", "d1"},
                     {"changes", {{"name", secret_text}, {"phases", {"a"}}}}}}},
      custom_event("test:secret", {{"x", secret_text}})};
    EXPECT_EQ(owner.publish(project, events).status / 100, 2);
    before_ = owner.get(path("/events?limit=1000")).body;
  }

  /// Nothing that the owner has must have changed.
  void expect_untouched() {
    auto owner = client(owner_claims_);
    EXPECT_EQ(owner.get(path("/events?limit=1000")).body, before_);
  }

  static bool tells(std::string_view body) {
    return body.find(secret_text) != std::string_view::npos;
  }

  token_claims owner_claims_;
  token_claims intruder_claims_;
  std::string before_;
};

} // namespace

TEST_F(tenants, the_same_project_id_is_another_project_for_another_tenant) {
  auto intruder = client(intruder_claims_);
  EXPECT_TRUE(read_history(intruder, project).empty());
  const auto response
    = intruder.publish(project, run_event("r1", {{"name", "mine"}}));
  EXPECT_EQ(
    number(response.object().at("results").as_array().at(0).as_object(), "seq"),
    1u)
    << "a sequence of its own";
  EXPECT_EQ(text(intruder.get(path("/runs/r1")).object(), "name"), "mine");
  expect_untouched();
}

TEST_F(tenants, every_reading_call_shows_a_stranger_nothing) {
  auto intruder = client(intruder_claims_);
  for (const auto* rest :
       {"/runs", "/runs/r1", "/runs/r1/logs", "/runs/r1/events",
        "/runs/r1/artifacts", "/definitions", "/definitions/d1", "/events",
        "/events?since=0&execution=r1"}) {
    const auto response = intruder.get(path(rest));
    EXPECT_TRUE(response.status == 404
                || (response.status == 200
                    && response.object().at("items").as_array().empty()))
      << rest << response.status << response.body;
    EXPECT_FALSE(tells(response.body)) << rest;
  }
  for (const auto* target :
       {"/v1/projects", "/v1/admin/actors", "/v1/admin/sessions",
        "/v1/admin/actors?kind=run", "/v1/admin/actors?kind=room",
        "/v1/admin/actors/run/r1"}) {
    const auto response = intruder.get(target);
    EXPECT_FALSE(tells(response.body)) << target;
    EXPECT_EQ(response.body.find(owner_claims_.tenant), std::string::npos)
      << target << response.body;
    EXPECT_EQ(response.body.find("\"" + project + "\""), std::string::npos)
      << target;
  }
}

TEST_F(tenants, every_writing_call_of_a_stranger_leaves_the_owners_data_alone) {
  auto intruder = client(intruder_claims_);
  for (const auto* rest : {"/runs/r1/pause", "/runs/r1/resume",
                           "/runs/r1/cancel", "/runs/r1/retry"})
    EXPECT_EQ(intruder.post(path(rest), "{}").status, 404) << rest;
  EXPECT_EQ(
    intruder.post(path("/runs/r1/steps/s1/input"), R"({"value":1})").status,
    404);
  EXPECT_EQ(intruder.remove(path("/definitions/d1")).status, 404);
  EXPECT_EQ(
    intruder.put(path("/definitions/d1"), R"({"name":"x","phases":[]})").status
      / 100,
    2)
    << "its own";
  EXPECT_EQ(intruder.post(path("/runs"), R"({"id":"r1"})").status, 201)
    << "its own";
  EXPECT_EQ(intruder.publish(project, custom_event("test:x", {})).status / 100,
            2);
  expect_untouched();
}

TEST_F(tenants, no_subscription_reaches_into_another_tenant) {
  auto ws = viewer_with(intruder_claims_);
  EXPECT_EQ(ws.subscribe("execution:r1").data.at("code"), "not_found");
  EXPECT_EQ(ws.subscribe("tenant:" + owner_claims_.tenant).data.at("code"),
            "forbidden");
  EXPECT_EQ(number(ws.subscribe(room(), {{"since", 0}}).data, "seq"), 0u);
  EXPECT_EQ(
    ws.subscribe("execution:r1", {{"project_id", project}, {"since", 0}})
      .type(),
    "subscribed");
  EXPECT_EQ(
    ws.subscribe("tenant:" + intruder_claims_.tenant, {{"since", 0}}).type(),
    "subscribed");
  auto owner = client(owner_claims_);
  auto scoped = custom_event("test:scoped", {{"x", secret_text}});
  scoped["scope"] = "tenant";
  owner.publish(project,
                json::array{run_event("r1", {{"name", "changed"}}),
                            stream_event("r1", "s1", secret_text), scoped});
  auto mine = client(intruder_claims_);
  mine.publish(project, custom_event("test:mine", {}));
  EXPECT_EQ(ws.receive().type(), "test:mine") << "the first and only event";
}

TEST_F(tenants, no_websocket_operation_reaches_into_another_tenant) {
  auto ws = viewer_with(intruder_claims_);
  for (const auto* command : {"pause", "resume", "cancel", "retry"})
    EXPECT_EQ(ws.ask({{"type", "command"},
                      {"project_id", project},
                      {"execution_id", "r1"},
                      {"command", command}})
                .data.at("code"),
              "not_found");
  EXPECT_EQ(ws.ask({{"type", "publish"},
                    {"project_id", project},
                    {"events", {run_event("r1", {{"name", "x"}})}}})
              .type(),
            "published");
  expect_untouched();
}

TEST_F(tenants, a_token_for_some_projects_reaches_only_those) {
  auto claims = owner_claims_;
  claims.projects = {"elsewhere"};
  auto limited = client(claims);
  for (const auto* rest : {"/runs", "/runs/r1", "/runs/r1/logs", "/events",
                           "/definitions", "/definitions/d1"}) {
    const auto response = limited.get(path(rest));
    EXPECT_EQ(response.status, 403) << rest;
    EXPECT_FALSE(tells(response.body));
  }
  EXPECT_EQ(limited.publish(project, custom_event("test:x", {})).status, 403);
  EXPECT_EQ(limited.post(path("/runs/r1/cancel"), "{}").status, 403);
  EXPECT_EQ(
    limited.publish("elsewhere", custom_event("test:x", {})).status / 100, 2);
  auto ws = viewer_with(claims);
  EXPECT_EQ(ws.subscribe(room()).data.at("code"), "forbidden");
  EXPECT_EQ(ws.subscribe("execution:r1").data.at("code"), "not_found");
  EXPECT_EQ(
    ws.subscribe("execution:r1", {{"project_id", project}}).data.at("code"),
    "forbidden");
  expect_untouched();
}

TEST_F(tenants, a_stranger_in_the_query_is_closed_with_4403) {
  auto claims = owner_claims_;
  claims.projects = {"elsewhere"};
  ws_client ws{node().port(),
               {.token = make_token(claims), .query = "projectId=" + project}};
  EXPECT_EQ(ws.wait_close(), 4403);
}

TEST_F(tenants, without_a_tenant_claim_the_subject_is_the_tenant) {
  token_claims alone;
  alone.tenant.clear();
  alone.subject = owner_claims_.tenant;
  auto same = client(alone);
  EXPECT_EQ(same.get(path("/runs/r1")).status, 200);
  alone.subject = "somebody";
  EXPECT_EQ(client(alone).get(path("/runs/r1")).status, 404);
}

TEST_F(tenants, names_that_would_run_into_each_other_stay_apart) {
  // Were a key or a room's name just "tenant:project", each pair would be one.
  const std::pair<token_claims, token_claims> pairs[] = {
    {{.tenant = "a"}, {.tenant = "a:b"}},
    {{.tenant = "x/y"}, {.tenant = "x"}},
    {{.tenant = "n"}, {.tenant = std::string{"n\0b", 3}}},
    {{.tenant = "case"}, {.tenant = "Case"}},
  };
  const std::string projects[] = {"b:c", "c", "b", "y:c"};
  for (const auto& [one, other] : pairs) {
    auto first = client(one);
    auto second = client(other);
    for (const auto& name : projects)
      first.publish(name, run_event("r1", {{"name", secret_text}}));
    for (const auto& name : projects) {
      const auto response = second.get("/v1/projects/" + name + "/runs");
      EXPECT_FALSE(tells(response.body)) << one.tenant << other.tenant << name;
      EXPECT_EQ(second.get("/v1/projects/" + name + "/runs/r1").status / 100,
                4);
    }
    EXPECT_FALSE(tells(second.get("/v1/projects").body));
  }
}

TEST_F(tenants, ids_that_look_like_keys_or_paths_do_not_break_out) {
  auto intruder = client(intruder_claims_);
  const auto owner = owner_claims_.tenant;
  for (const auto& id :
       {owner + "/" + project, owner + "%2F" + project, std::string{".."},
        "../" + project, "%2e%2e%2f" + project, owner + "%00" + project,
        owner + ":" + project, std::string{"%00"}, std::string{"."}}) {
    for (const auto* rest : {"/runs/r1", "/events", "/runs"}) {
      const auto response = intruder.get("/v1/projects/" + id + rest);
      EXPECT_FALSE(tells(response.body)) << id << rest;
      EXPECT_LT(response.status, 500) << id << rest << response.body;
    }
  }
}

TEST_F(tenants, sessions_of_another_tenant_cannot_be_closed) {
  auto ws = viewer_with(owner_claims_);
  auto operator_of_owner = client(owner_claims_);
  const auto list = operator_of_owner.get("/v1/admin/sessions").object();
  auto intruder = client(intruder_claims_);
  for (const auto& item : list.at("items").as_array()) {
    const auto id = item.as_object().at("id");
    const auto word
      = id.is_string() ? std::string{id.as_string()} : json::serialize(id);
    EXPECT_EQ(intruder.remove("/v1/admin/sessions/" + word).status, 404);
  }
  ws.send({{"type", "ping"}});
  EXPECT_EQ(ws.receive().type(), "pong");
}

} // namespace callboard::test
