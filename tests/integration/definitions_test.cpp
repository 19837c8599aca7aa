// Workflow definitions and the list of projects.

#include "tests/integration/live_node.hpp"

#include <set>

namespace callboard::test {

namespace {

class definitions : public live_node {
protected:
  http_response put(const std::string& id, const json::value& body) {
    return http.put(path("/definitions/" + id), json::serialize(body));
  }
};

const json::object build_definition{
  {"name", "Build"}, {"phases", {{{"id", "a"}, {"name", "A"}}, {{"id", "b"}}}}};

} // namespace

TEST_F(definitions, what_is_put_can_be_got_listed_and_deleted) {
  EXPECT_EQ(put("d1", build_definition).status / 100, 2);
  const auto got = http.get(path("/definitions/d1"));
  ASSERT_EQ(got.status, 200) << got.body;
  EXPECT_EQ(got.object().at("id"), "d1");
  EXPECT_EQ(got.object().at("name"), "Build");
  EXPECT_EQ(got.object().at("phases"), build_definition.at("phases"));
  put("d2", {{"name", "Other"}, {"phases", json::array{}}});
  EXPECT_EQ(
    http.get(path("/definitions")).object().at("items").as_array().size(), 2u);
  EXPECT_EQ(http.remove(path("/definitions/d1")).status / 100, 2);
  EXPECT_EQ(http.get(path("/definitions/d1")).status, 404);
  EXPECT_EQ(http.remove(path("/definitions/d1")).status, 404);
  EXPECT_EQ(
    http.get(path("/definitions")).object().at("items").as_array().size(), 1u);
}

TEST_F(definitions, changes_reach_the_room_as_events) {
  put("d1", build_definition);
  http.remove(path("/definitions/d1"));
  const auto frames = history();
  ASSERT_EQ(frames.size(), 2u);
  for (const auto& frame : frames) {
    EXPECT_EQ(text(frame, "type"), "workflow:definition:updated");
    EXPECT_EQ(text(frame.at("data").as_object(), "definition_id"), "d1");
  }
  const auto changes
    = frames[0].at("data").as_object().at("changes").as_object();
  EXPECT_EQ(changes.at("name"), "Build");
  EXPECT_EQ(
    frames[1].at("data").as_object().at("changes").as_object().at("deleted"),
    true);
}

TEST_F(definitions, a_published_definition_is_the_same_as_a_put_one) {
  publish(json::object{
    {"type", "workflow:definition:updated"},
    {"data", {{"definition_id", "d1"}, {"changes", build_definition}}}});
  EXPECT_EQ(http.get(path("/definitions/d1")).object().at("phases"),
            build_definition.at("phases"));
}

TEST_F(definitions, a_put_replaces_and_shows_in_the_list_of_runs) {
  put("d1", build_definition);
  publish(run_event("r", {{"workflow_definition_id", "d1"}}));
  put("d1", {{"name", "Renamed"}, {"phases", {"x"}}});
  const auto item
    = http.get(path("/runs")).object().at("items").as_array().at(0).as_object();
  EXPECT_EQ(item.at("workflow_definition").as_object().at("name"), "Renamed");
}

TEST_F(definitions, wrong_bodies_are_refused_with_a_pointer) {
  const std::pair<const char*, const char*> cases[] = {
    {R"({"name":7,"phases":[]})", "/name"},
    {R"({"name":"n","phases":{}})", "/phases"},
  };
  for (const auto& [body, pointer] : cases) {
    const auto response = http.put(path("/definitions/d"), body);
    EXPECT_EQ(response.status, 400) << body << response.body;
    EXPECT_EQ(response.object().at("pointer"), pointer) << response.body;
  }
  EXPECT_EQ(http.put(path("/definitions/d"), "[]").status, 400);
  EXPECT_EQ(http.put(path("/definitions/d"), "{").status, 400);
  EXPECT_EQ(
    http.put(path("/definitions/a%20b"), R"({"name":"n","phases":[]})").status,
    400);
}

TEST_F(definitions, are_listed_in_pages) {
  for (int i = 0; i < 25; ++i)
    put("d" + std::to_string(100 + i), build_definition);
  std::set<std::string> seen;
  for (std::string query = "?limit=10";;) {
    const auto page = http.get(path("/definitions" + query)).object();
    for (const auto& item : page.at("items").as_array())
      EXPECT_TRUE(seen.insert(text(item.as_object(), "id")).second);
    if (!page.contains("next_cursor"))
      break;
    query = "?limit=10&cursor=" + text(page, "next_cursor");
  }
  EXPECT_EQ(seen.size(), 25u);
}

TEST_F(definitions, projects_are_listed_for_their_tenant_and_token_only) {
  auto mine = client({.tenant = "tenant-of-projects"});
  for (const auto* name : {"alpha", "beta", "gamma"})
    mine.publish(name, custom_event("test:hello", {}));
  const auto ids = [](http_client& who, const std::string& query = "") {
    std::vector<std::string> result;
    const auto list = who.get("/v1/projects" + query).object();
    for (const auto& item : list.at("items").as_array())
      result.push_back(text(item.as_object(), "id"));
    return result;
  };
  EXPECT_EQ(ids(mine), (std::vector<std::string>{"alpha", "beta", "gamma"}));
  auto restricted
    = client({.tenant = "tenant-of-projects", .projects = {"beta", "absent"}});
  EXPECT_EQ(ids(restricted), (std::vector<std::string>{"beta"}));
  auto stranger = client({.tenant = "tenant-of-nothing"});
  EXPECT_TRUE(ids(stranger).empty());
}

} // namespace callboard::test
