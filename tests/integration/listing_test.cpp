// GET …/runs: exactly nine members, filters, order, and cursors that stay good
// while things change.

#include "tests/integration/live_node.hpp"

#include <algorithm>
#include <set>

namespace callboard::test {

namespace {

class listing : public live_node {
protected:
  json::object page(const std::string& query = {}) {
    const auto response = http.get(path("/runs" + query));
    EXPECT_EQ(response.status, 200) << response.body;
    return response.object();
  }

  static std::vector<std::string> ids(const json::object& list) {
    std::vector<std::string> result;
    for (const auto& item : list.at("items").as_array())
      result.push_back(text(item.as_object(), "id"));
    return result;
  }

  /// Walks all pages, calling `between` after each.
  template <class F>
  std::vector<std::string> walk(const std::string& query, F between) {
    std::vector<std::string> result;
    for (std::string cursor;;) {
      const auto list
        = page(query + (cursor.empty() ? "" : "&cursor=" + cursor));
      const auto some = ids(list);
      result.insert(result.end(), some.begin(), some.end());
      if (!list.contains("next_cursor"))
        return result;
      EXPECT_FALSE(some.empty());
      cursor = text(list, "next_cursor");
      between();
    }
  }

  void make_runs(int count) {
    json::array events;
    for (int i = 0; i < count; ++i)
      events.push_back(
        run_event("r" + std::to_string(1000 + i),
                  {{"status", i % 3 == 0 ? "running" : "pending"},
                   {"workflow_definition_id", i % 2 ? "odd" : "even"},
                   {"created_at", created(i)}}));
    publish(events);
  }

  static std::string created(int i) {
    auto seconds = std::to_string(100 + i % 60).substr(1);
    auto minutes = std::to_string(100 + i / 60).substr(1);
    return "2026-01-02T03:" + minutes + ":" + seconds + ".000Z";
  }
};

} // namespace

TEST_F(listing, an_item_has_exactly_the_nine_members) {
  publish(json::array{
    json::object{{"type", "workflow:definition:updated"},
                 {"data",
                  {{"definition_id", "d1"},
                   {"changes", {{"name", "Def"}, {"phases", {"a", "b"}}}}}}},
    run_event("r1", {{"name", "n"},
                     {"status", "running"},
                     {"workflow_definition_id", "d1"},
                     {"current_phase", "a"},
                     {"output", {{"big", std::string(5000, 'x')}}},
                     {"own", 1}}),
    step_event("r1", "s1", {{"status", "running"}}),
    step_event("r1", "s2", {{"status", "running"}}),
  });
  const auto list = page();
  EXPECT_FALSE(list.contains("next_cursor"));
  const auto& items = list.at("items").as_array();
  ASSERT_EQ(items.size(), 1u);
  const auto& item = items[0].as_object();
  std::set<std::string> members;
  for (const auto& [key, value] : item)
    members.emplace(key);
  EXPECT_EQ(members,
            (std::set<std::string>{
              "id", "name", "status", "current_phase", "workflow_definition_id",
              "started_at", "created_at", "workflow_definition", "_count"}));
  EXPECT_EQ(item.at("id"), "r1");
  EXPECT_EQ(item.at("status"), "running");
  EXPECT_EQ(item.at("current_phase"), "a");
  EXPECT_EQ(item.at("_count"), json::parse(R"({"steps":2})"));
  EXPECT_EQ(item.at("workflow_definition").as_object().at("name"), "Def");
  EXPECT_TRUE(item.at("workflow_definition").as_object().contains("phases"));
  EXPECT_LT(json::serialize(item).size(), 600u);
}

TEST_F(listing, a_bare_run_has_the_nine_members_too) {
  publish(run_event("r1", {{"own", 1}}));
  const auto item = page().at("items").as_array().at(0).as_object();
  EXPECT_EQ(item.size(), 9u) << json::serialize(item);
  EXPECT_TRUE(item.at("name").is_null());
  EXPECT_EQ(item.at("status"), "pending");
  EXPECT_EQ(item.at("_count"), json::parse(R"({"steps":0})"));
}

TEST_F(listing, the_newest_come_first_or_last_as_asked) {
  make_runs(10);
  const auto newest = ids(page());
  ASSERT_EQ(newest.size(), 10u);
  EXPECT_TRUE(std::ranges::is_sorted(newest, std::greater<>{}));
  const auto oldest = ids(page("?order=asc"));
  EXPECT_TRUE(std::ranges::equal(oldest, newest | std::views::reverse));
  EXPECT_EQ(ids(page("?order=desc")), newest);
  EXPECT_EQ(http.get(path("/runs?order=sideways")).status, 400);
}

TEST_F(listing, filters_by_status_and_definition) {
  make_runs(12);
  EXPECT_EQ(ids(page("?status=running")).size(), 4u);
  EXPECT_EQ(ids(page("?status=pending")).size(), 8u);
  EXPECT_EQ(ids(page("?status=running,pending")).size(), 12u);
  EXPECT_EQ(ids(page("?definition=odd")).size(), 6u);
  EXPECT_EQ(ids(page("?definition=odd&status=running")).size(), 2u);
  EXPECT_TRUE(ids(page("?definition=none")).empty());
  EXPECT_TRUE(ids(page("?status=failed")).empty());
  EXPECT_EQ(http.get(path("/runs?status=odd")).status, 400);
}

TEST_F(listing, a_run_moves_between_status_lists) {
  publish(run_event("r", {{"status", "running"}}));
  EXPECT_EQ(ids(page("?status=running")).size(), 1u);
  publish(run_event("r", {{"status", "failed"}}));
  EXPECT_TRUE(ids(page("?status=running")).empty());
  EXPECT_EQ(ids(page("?status=failed")).size(), 1u);
}

TEST_F(listing, pages_join_without_gap_or_repeat) {
  make_runs(95);
  for (const auto* query :
       {"?limit=10", "?limit=10&order=asc", "?limit=94",
        "?limit=7&status=pending", "?limit=10&definition=odd"}) {
    const auto all = ids(page(std::string{query} + "&limit=1000"));
    const auto walked = walk(query, [] {});
    const std::set<std::string> unique(walked.begin(), walked.end());
    EXPECT_EQ(unique.size(), walked.size()) << query;
    EXPECT_FALSE(walked.empty());
  }
  EXPECT_EQ(walk("?limit=10", [] {}).size(), 95u);
  EXPECT_EQ(walk("?limit=95", [] {}).size(), 95u);
  EXPECT_EQ(ids(page()).size(), 50u) << "50 by default";
}

TEST_F(listing, a_cursor_stays_good_while_things_change) {
  make_runs(60);
  int extra = 0;
  const auto walked = walk("?limit=10", [&] {
    // New runs, changed runs, new steps: none may move what is still to come.
    const auto n = std::to_string(extra++);
    publish(json::array{run_event("new" + n, {{"name", "new"}}),
                        run_event("r1000", {{"name", "changed" + n}}),
                        run_event("r1030", {{"own", extra}}),
                        step_event("r1010", "s" + n, {{"status", "running"}})});
  });
  std::vector<std::string> old;
  std::ranges::copy_if(walked, std::back_inserter(old),
                       [](const auto& id) { return id.starts_with("r1"); });
  EXPECT_EQ(old.size(), 60u);
  EXPECT_TRUE(std::ranges::is_sorted(old, std::greater<>{}));
}

TEST_F(listing, a_page_of_huge_names_ends_early_and_goes_on) {
  for (int i = 0; i < 20; ++i)
    publish(run_event("big" + std::to_string(100 + i),
                      {{"name", std::string(900'000, 'n')}}));
  const auto first = http.get(path("/runs?limit=1000"));
  EXPECT_LT(first.body.size(), std::size_t{16} << 20);
  EXPECT_TRUE(first.object().contains("next_cursor"));
  EXPECT_EQ(walk("?limit=1000", [] {}).size(), 20u);
}

TEST_F(listing, limits_and_cursors_that_make_no_sense_are_refused) {
  for (const auto* query :
       {"?limit=0", "?limit=-1", "?limit=x", "?limit=1001",
        "?limit=99999999999999999999", "?cursor=nonsense", "?cursor=%00%ff"}) {
    const auto response = http.get(path(std::string{"/runs"} + query));
    EXPECT_EQ(response.status, 400) << query << " " << response.body;
    EXPECT_EQ(response.code(), "invalid");
  }
}

TEST_F(listing, an_unknown_project_has_no_runs) {
  EXPECT_TRUE(page().at("items").as_array().empty());
}

} // namespace callboard::test
