#include "tests/unit/state/store_fixture.hpp"

#include <gtest/gtest.h>

#include <set>

namespace callboard::test {
namespace {

class state_query_test : public store_fixture {
protected:
  query::list_runs runs(std::vector<run_status> statuses = {}) const {
    query::list_runs q;
    q.room = out.room("p");
    q.statuses = std::move(statuses);
    return q;
  }

  query::run_page page(query::run_part part, std::size_t limit = 50) const {
    return {.room = out.room("p"),
            .run = {"e1"},
            .part = part,
            .limit = limit,
            .cursor = {}};
  }

  query::list_projects projects(std::vector<project_id> only = {}) const {
    return {
      .tenant = {"t"}, .only = std::move(only), .limit = 50, .cursor = {}};
  }

  query::room_events events(event_seq since) const {
    return {.room = out.room("p"),
            .since = since,
            .types = {},
            .run = {},
            .limit = 50};
  }

  /// Ids of all items of all pages, in order.
  template <class Query>
  std::vector<std::string> walk(Query q) {
    std::vector<std::string> out_ids;
    for (int pages = 0; pages < 1000; ++pages) {
      auto text = ask(q);
      for (std::size_t i = 0; i < items_of(text); ++i)
        out_ids.push_back(at(text, "items/" + std::to_string(i) + "/id"));
      auto next = at(text, "next_cursor");
      if (next == "(none)")
        return out_ids;
      q.cursor = next.substr(1, next.size() - 2);
    }
    ADD_FAILURE() << "the pages have no end";
    return out_ids;
  }
};

TEST_F(state_query_test, a_list_item_has_exactly_its_nine_members) {
  out.add("p", definition_event("d", R"({"name":"flow","phases":["a"]})"));
  out.add("p",
          run_event("e1", R"({"name":"n","status":"running","input":{"x":1},)"
                          R"("current_phase":"a","workflow_definition_id":"d",)"
                          R"("created_at":"2026-01-02T03:04:05.678Z",)"
                          R"("started_at":"2026-01-02T03:04:06.000Z"})"));
  out.add("p", step_event("e1", "s1", "{}"));
  ASSERT_TRUE(apply());
  EXPECT_EQ(ask(runs()),
            R"({"items":[{"id":"e1","name":"n","status":"running",)"
            R"("current_phase":"a","workflow_definition_id":"d",)"
            R"("started_at":"2026-01-02T03:04:06.000Z",)"
            R"("created_at":"2026-01-02T03:04:05.678Z",)"
            R"("workflow_definition":{"name":"flow","phases":["a"]},)"
            R"("_count":{"steps":1}}]})");
}

TEST_F(state_query_test, what_is_unset_is_null_in_the_list) {
  out.add("p", run_event("e1", "{}"));
  out.add(
    "p", run_event("e2",
                   R"({"workflow_name":"w","workflow_definition_id":"gone"})"));
  ASSERT_TRUE(apply());
  auto x = ask(runs());
  EXPECT_EQ(at(x, "items/0/id"), R"("e2")");
  EXPECT_EQ(at(x, "items/0/workflow_definition"),
            R"({"name":"w","phases":[]})");
  for (auto member : {"name", "current_phase", "workflow_definition_id",
                      "started_at", "workflow_definition"})
    EXPECT_EQ(at(x, std::string{"items/1/"} + member), "null") << member;
}

TEST_F(state_query_test, a_project_that_does_not_exist_has_empty_lists) {
  EXPECT_EQ(ask(runs()), R"({"items":[]})");
  EXPECT_EQ(ask(projects()), R"({"items":[]})");
  EXPECT_EQ(ask(events({0})), R"({"items":[]})");
}

TEST_F(state_query_test, an_unknown_run_is_not_found) {
  EXPECT_EQ(refusal(query::run_detail{out.room("p"), {"e1"}}), errc::not_found);
  EXPECT_EQ(refusal(page(query::run_part::logs)), errc::not_found);
  EXPECT_EQ(refusal(query::find_run{{"t"}, {"e1"}, {}}), errc::not_found);
}

TEST_F(state_query_test, runs_are_listed_by_creation_status_and_definition) {
  auto created = [](int day, std::string more) {
    return R"({"created_at":"2026-01-0)" + std::to_string(day)
           + R"(T00:00:00Z")" + more + "}";
  };
  out.add("p", run_event("b", created(2, R"(,"workflow_definition_id":"d")")));
  out.add("p", run_event("a", created(3, R"(,"status":"running")")));
  out.add(
    "p",
    run_event(
      "c", created(1, R"(,"status":"running","workflow_definition_id":"d")")));
  ASSERT_TRUE(apply());
  using list = std::vector<std::string>;
  EXPECT_EQ(walk(runs()), (list{R"("a")", R"("b")", R"("c")"}));
  auto q = runs();
  q.sort = query::order::oldest_first;
  q.limit = 1;
  EXPECT_EQ(walk(q), (list{R"("c")", R"("b")", R"("a")"}));
  EXPECT_EQ(walk(runs({run_status::running})), (list{R"("a")", R"("c")"}));
  EXPECT_EQ(walk(runs({run_status::running, run_status::pending})),
            (list{R"("a")", R"("b")", R"("c")"}));
  q = runs();
  q.definition = {"d"};
  EXPECT_EQ(walk(q), (list{R"("b")", R"("c")"}));
  q.statuses = {run_status::running};
  EXPECT_EQ(walk(q), (list{R"("c")"}));

  // A run moves between the lists with its status and definition.
  out.add(
    "p",
    run_event("c", R"({"status":"completed","workflow_definition_id":"e"})"));
  ASSERT_TRUE(apply());
  EXPECT_EQ(walk(runs({run_status::running})), (list{R"("a")"}));
  EXPECT_EQ(walk(runs({run_status::completed})), (list{R"("c")"}));
  q.statuses = {};
  EXPECT_EQ(walk(q), (list{R"("b")"}));
}

TEST_F(state_query_test, a_cursor_stays_good_while_runs_come_and_change) {
  for (int i = 10; i < 30; ++i)
    out.add("p", run_event("e" + std::to_string(i), R"({"status":"running"})"));
  ASSERT_TRUE(apply());
  auto q = runs();
  q.limit = 7;
  std::vector<std::string> seen;
  for (int i = 0;; ++i) {
    auto text = ask(q);
    for (std::size_t k = 0; k < items_of(text); ++k)
      seen.push_back(at(text, "items/" + std::to_string(k) + "/id"));
    auto next = at(text, "next_cursor");
    if (next == "(none)")
      break;
    q.cursor = next.substr(1, next.size() - 2);
    // Meanwhile the run that the cursor points at ends, and a new one comes.
    auto last = seen.back().substr(1, 3);
    out.add("p", run_event(last, R"({"status":"failed"})"));
    out.add("p", run_event("new" + std::to_string(i), "{}"));
    ASSERT_TRUE(apply());
  }
  ASSERT_EQ(seen.size(), 20u);
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(seen[static_cast<std::size_t>(i)],
              "\"e" + std::to_string(29 - i) + '"');
}

TEST_F(state_query_test, a_bad_cursor_is_refused_with_its_pointer) {
  out.add("p", run_event("e1", "{}"));
  ASSERT_TRUE(apply());
  for (std::string bad :
       {"x", "!!", "AAAA", "TA", "TAAAAAAAAAAA", "UAAAAAAAAAAA="}) {
    auto q = runs();
    q.cursor = bad;
    auto answered = store->answer(q, [](auto&) { return shard; });
    ASSERT_FALSE(answered) << bad;
    EXPECT_EQ(answered.error().code, errc::invalid);
    EXPECT_EQ(answered.error().pointer, "/cursor");
    auto p = page(query::run_part::events);
    p.cursor = bad;
    EXPECT_EQ(refusal(p), errc::invalid) << bad;
  }
}

TEST_F(state_query_test, a_detail_has_every_known_field_and_the_unknown_ones) {
  out.add("p", run_event("e1", R"({"custom":{"a":1.0},"steps":"mine"})"));
  out.add("p", step_event("e1", "s1", R"({"big":18446744073709551615})"));
  out.add("p",
          timeline_event("e1", R"({"id":"t1","kind":"log","message":"m"})"));
  out.add("p",
          timeline_event("e1", R"({"id":"t2","kind":"note","seq":"own"})"));
  ASSERT_TRUE(apply());
  auto x = detail("p", "e1");
  for (auto member :
       {"name", "current_phase", "workflow_definition_id", "workflow_name",
        "input", "output", "error_message", "progress", "started_at",
        "completed_at", "workflow_definition"})
    EXPECT_EQ(at(x, member), "null") << member;
  EXPECT_EQ(at(x, "id"), R"("e1")");
  EXPECT_EQ(at(x, "project_id"), R"("p")");
  EXPECT_EQ(at(x, "custom"), R"({"a":1.0})");
  EXPECT_EQ(at(x, "steps/0/big"), "18446744073709551615");
  EXPECT_EQ(at(x, "steps/0/metrics"), "null");
  EXPECT_EQ(at(x, "events/0/id"), R"("t1")");
  EXPECT_EQ(at(x, "events/0/seq"), "3");
  EXPECT_EQ(at(x, "events/1/seq"), R"("own")");
  EXPECT_EQ(at(x, "events_truncated"), "false");
  EXPECT_EQ(at(x, "_count"), R"({"steps":1,"events":2,"artifacts":0})");
  EXPECT_EQ(at(x, "room_seq"), "4");
}

TEST_F(state_query_test, a_detail_shows_the_latest_events_oldest_first) {
  for (int i = 0; i < 20; ++i) {
    out.add("p", timeline_event(
                   "e1", R"({"kind":")" + std::string(i % 2 ? "log" : "x")
                           + R"(","n":)" + std::to_string(i) + "}"));
    out.add("p", step_event("e1", "s", "{}"));
  }
  ASSERT_TRUE(apply());
  auto x = ask(query::run_detail{out.room("p"), {"e1"}, 5});
  EXPECT_EQ(at(x, "events_truncated"), "true");
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(at(x, "events/" + std::to_string(i) + "/n"),
              std::to_string(15 + i));
  EXPECT_EQ(at(x, "events/5"), "(none)");
}

TEST_F(state_query_test, pages_of_a_run_hold_what_they_are_named_after) {
  for (int i = 0; i < 9; ++i) {
    auto n = std::to_string(i);
    out.add("p", timeline_event("e1", R"({"kind":"log","id":"l)" + n + "\"}"));
    out.add("p", timeline_event("e1", R"({"kind":"note","id":"n)" + n + "\"}"));
    out.add("p", artifact_event("e1", R"({"id":"a)" + n + "\"}"));
    out.add("p", timeline_event("e2", R"({"kind":"log","id":"other"})"));
  }
  ASSERT_TRUE(apply());
  auto logs = walk(page(query::run_part::logs, 4));
  auto events = walk(page(query::run_part::events, 4));
  auto artifacts = walk(page(query::run_part::artifacts, 3));
  ASSERT_EQ(logs.size(), 9u);
  ASSERT_EQ(events.size(), 18u);
  ASSERT_EQ(artifacts.size(), 9u);
  EXPECT_EQ(logs[8], R"("l8")");
  EXPECT_EQ(events[0], R"("l0")");
  EXPECT_EQ(events[1], R"("n0")");
  EXPECT_EQ(artifacts[8], R"("a8")");
}

TEST_F(state_query_test, the_log_tells_all_that_a_monitor_is_told) {
  out.add("p", run_event("e1", R"({"status":"running"})"));
  out.add("p", timeline_event("e1", R"({"kind":"log","level":"warn"})"));
  out.add("p", timeline_event("e1", R"({"kind":"note"})"));
  out.add("p", step_event("e1", "s", R"({"status":"completed"})"));
  out.add(
    "p", timeline_event("e1", R"({"kind":"counter","name":"rows","count":7})"));
  out.add("p", run_event("e1", R"({"status":"failed","error_message":"x",)"
                               R"("progress":{"completed":1,"total":2}})"));
  ASSERT_TRUE(apply());
  auto all = ask(page(query::run_part::logs));
  const char* events[]{R"("execution:started")",  "null",
                       R"("execution:progress")", R"("execution:rows")",
                       R"("execution:progress")", R"("execution:failed")"};
  ASSERT_EQ(items_of(all), std::size(events)) << all;
  for (std::size_t i = 0; i < std::size(events); ++i) {
    auto item = "items/" + std::to_string(i);
    EXPECT_EQ(at(all, item + "/event"), events[i]);
    EXPECT_EQ(at(all, item + "/tenantId"), R"("t")");
    EXPECT_EQ(at(all, item + "/executionId"), R"("e1")");
  }
  EXPECT_EQ(at(all, "items/5/level"), R"("error")");
  EXPECT_EQ(at(all, "items/3/metadata/count"), "7");
  auto ids = walk(page(query::run_part::logs));
  for (std::size_t limit : {1u, 2u, 3u, 5u})
    EXPECT_EQ(walk(page(query::run_part::logs, limit)), ids) << limit;
}

TEST_F(state_query_test, the_log_is_filtered_by_level_and_time) {
  for (auto level : {"info", "warn", "error", "warn"})
    out.add("p", timeline_event("e1", R"({"kind":"log","level":")"
                                        + std::string{level} + "\"}"));
  ASSERT_TRUE(apply());
  auto q = page(query::run_part::logs, 1);
  q.levels = {"warn"};
  auto warnings = walk(q);
  EXPECT_EQ(warnings.size(), 2u);
  q.since_ms = out.now_ms;
  EXPECT_EQ(walk(q), std::vector{warnings[1]});
  q.levels = {"error", "warn"};
  q.since_ms = out.now_ms - 1;
  EXPECT_EQ(walk(q).size(), 2u);
}

TEST_F(state_query_test, phases_are_found_in_the_room) {
  out.add("p", run_event("e1", R"({"status":"running"})"));
  ASSERT_TRUE(apply());
  query::run_phases q{out.room("p"), {"e1"}, {}};
  EXPECT_EQ(ask(q), R"({"last_seq":0,"since":1,"room_seq":1})");
  q.after = 0;
  EXPECT_EQ(ask(q), R"({"last_seq":0,"since":1,"room_seq":1})");
  out.add("p", step_event("e1", "s", R"({"status":"running"})"));   // 2: 1
  out.add("p", timeline_event("e1", R"({"kind":"log"})"));          // 3
  out.add("p", artifact_event("e1", R"({"id":"a"})"));              // 4: 2
  out.add("p", step_event("e1", "s", R"({"status":"completed"})")); // 5: 3
  out.add("p", step_event("e1", "t", "{}"));                        // 6
  ASSERT_TRUE(apply());
  EXPECT_EQ(ask(q), R"({"last_seq":3,"since":0,"room_seq":6})");
  const int since[]{0, 2, 4, 6, 6};
  for (std::uint64_t after = 0; after < std::size(since); ++after) {
    q.after = after;
    EXPECT_EQ(at(ask(q), "since"), std::to_string(since[after])) << after;
  }
  q.run = {"none"};
  EXPECT_EQ(refusal(q), errc::not_found);
}

TEST_F(state_query_test, a_page_of_the_room_has_frames_and_a_number_to_go_on) {
  for (int i = 0; i < 10; ++i)
    out.add("p", i % 2 ? R"({"type":"kb:a","data":{}})"
                       : run_event("e" + std::to_string(i), "{}"));
  ASSERT_TRUE(apply());
  auto q = events({2});
  q.limit = 3;
  auto x = ask(q);
  EXPECT_EQ(items_of(x), 3u);
  EXPECT_EQ(at(x, "items/0/seq"), "3");
  EXPECT_EQ(at(x, "next_cursor"), R"("5")");
  q.types = {"kb:*"};
  x = ask(q);
  EXPECT_EQ(at(x, "items/0/seq"), "4");
  EXPECT_EQ(at(x, "items/2/seq"), "8");
  EXPECT_EQ(at(x, "next_cursor"), R"("9")"); // 10 is what is left out
  q.since = {9};
  x = ask(q);
  EXPECT_EQ(at(x, "items/0/seq"), "10");
  EXPECT_EQ(at(x, "next_cursor"), "(none)");
  q = events({0});
  q.run = run_id{"e4"};
  x = ask(q);
  EXPECT_EQ(items_of(x), 1u);
  EXPECT_EQ(at(x, "items/0/seq"), "5");
}

TEST_F(state_query_test, projects_are_those_of_the_tenant_and_of_the_token) {
  for (auto project : {"b", "a", "c"})
    out.add(project, run_event("e1", "{}"));
  ASSERT_TRUE(apply());
  using list = std::vector<std::string>;
  auto q = projects();
  q.limit = 2;
  EXPECT_EQ(walk(q), (list{R"("a")", R"("b")", R"("c")"}));
  EXPECT_EQ(walk(projects({{"c"}, {"x"}, {"a"}})), (list{R"("a")", R"("c")"}));
  EXPECT_EQ(at(ask(projects()), "items/0/seq"), "1");
  q.tenant = {"other"};
  EXPECT_EQ(ask(q), R"({"items":[]})");
}

TEST_F(state_query_test, a_run_is_found_unless_several_projects_have_it) {
  out.add("a", run_event("e1", "{}"));
  out.add("b", run_event("e1", "{}"));
  out.add("b", run_event("e2", "{}"));
  ASSERT_TRUE(apply());
  EXPECT_EQ(ask(query::find_run{{"t"}, {"e2"}, {}}), R"("b")");
  EXPECT_EQ(refusal(query::find_run{{"t"}, {"e1"}, {}}), errc::not_found);
  EXPECT_EQ(ask(query::find_run{{"t"}, {"e1"}, {{"a"}}}), R"("a")");
  EXPECT_EQ(refusal(query::find_run{{"t"}, {"e2"}, {{"a"}}}), errc::not_found);
  EXPECT_EQ(refusal(query::find_run{{"u"}, {"e2"}, {}}), errc::not_found);
}

TEST_F(state_query_test, statistics_are_members_of_an_object) {
  out.add("a", run_event("e1", "{}"));
  ASSERT_TRUE(apply());
  ASSERT_TRUE(store->flush());
  auto x = "{" + store->statistics() + "}";
  EXPECT_NE(at(x, "keys"), "(none)");
  EXPECT_NE(at(x, "bytes"), "0");
  EXPECT_GT(store->disk_bytes(), 0u);
  EXPECT_EQ(store->room_statistics({"t"}),
            R"([{"room":"project:a","shard":3,"head":1,"oldest":1}])");
  EXPECT_EQ(store->room_statistics({"u"}), "[]");
}

} // namespace
} // namespace callboard::test
