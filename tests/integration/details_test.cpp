// GET …/runs/{r} and its parts: logs, events, artifacts, counters, room_seq.

#include "tests/integration/live_node.hpp"

#include <algorithm>

namespace callboard::test {

namespace {

class details : public live_node {
protected:
  json::array all_pages(const std::string& rest, int limit) {
    json::array result;
    for (std::string cursor;;) {
      const auto response = http.get(path(
        rest + (rest.find('?') == std::string::npos ? "?" : "&") + "limit="
        + std::to_string(limit) + (cursor.empty() ? "" : "&cursor=" + cursor)));
      EXPECT_EQ(response.status, 200) << response.body;
      const auto page = response.object();
      const auto& items = page.at("items").as_array();
      EXPECT_LE(items.size(), static_cast<std::size_t>(limit));
      result.insert(result.end(), items.begin(), items.end());
      if (!page.contains("next_cursor"))
        return result;
      cursor = text(page, "next_cursor");
    }
  }
};

} // namespace

TEST_F(details, everything_of_a_run_is_there) {
  publish(json::array{
    run_event("r", {{"name", "n"},
                    {"status", "running"},
                    {"input", {{"a", 1}}},
                    {"own", {1, 2}}}),
    step_event(
      "r", "s1",
      {{"status", "completed"}, {"output", {{"b", 2}}}, {"mine", true}}),
    timeline_event("r",
                   {{"id", "t1"}, {"kind", "annotation"}, {"message", "m"}}),
    artifact_event("r",
                   {{"id", "a1"}, {"name", "report.pdf"}, {"kind", "file"}}),
    timeline_event("r", {{"kind", "counter"}, {"name", "c"}, {"count", 2}}),
    timeline_event("r", {{"kind", "counter"}, {"name", "c"}, {"count", 40}}),
  });
  const auto run = detail("r");
  EXPECT_EQ(run.at("id"), "r");
  EXPECT_EQ(run.at("status"), "running");
  EXPECT_EQ(run.at("input"), json::parse(R"({"a":1})"));
  EXPECT_EQ(run.at("own"), json::parse("[1,2]"));
  EXPECT_EQ(number(run, "room_seq"), 6u);
  EXPECT_EQ(run.at("counters").as_object().at("c"), 42);
  const auto& steps = run.at("steps").as_array();
  ASSERT_EQ(steps.size(), 1u);
  EXPECT_EQ(steps[0].as_object().at("id"), "s1");
  EXPECT_EQ(steps[0].as_object().at("mine"), true);
  EXPECT_EQ(run.at("events").as_array().size(), 3u);
  ASSERT_EQ(run.at("artifacts").as_array().size(), 1u);
  EXPECT_EQ(run.at("artifacts").as_array()[0].as_object().at("name"),
            "report.pdf");
  event_fold fold;
  for (const auto& frame : history())
    fold.apply(frame);
  EXPECT_EQ(differences(run, fold.runs().at("r")), "");
}

TEST_F(details, known_fields_without_a_value_are_null) {
  publish(run_event("r", {{"own", 1}}));
  const auto run = detail("r");
  for (const auto* key : {"name", "current_phase", "workflow_definition_id",
                          "workflow_name", "input", "output", "error_message",
                          "progress", "started_at", "completed_at"}) {
    ASSERT_TRUE(run.contains(key)) << key;
    EXPECT_TRUE(run.at(key).is_null()) << key;
  }
}

TEST_F(details, steps_are_in_the_order_in_which_they_came) {
  json::array events;
  for (int i = 0; i < 50; ++i)
    events.push_back(step_event("r", "s" + std::to_string((i * 37) % 50),
                                {{"status", "pending"}, {"n", i}}));
  publish(events);
  publish(step_event("r", "s0", {{"status", "running"}}));
  const auto run = detail("r");
  const auto& steps = run.at("steps").as_array();
  ASSERT_EQ(steps.size(), 50u);
  for (std::size_t i = 0; i < steps.size(); ++i)
    EXPECT_EQ(number(steps[i].as_object(), "n"), i);
}

TEST_F(details, only_the_latest_thousand_events_are_in_it) {
  json::array events;
  for (int i = 0; i < 1003; ++i)
    events.push_back(timeline_event("r", {{"kind", "annotation"}, {"n", i}}));
  publish(events);
  const auto run = detail("r");
  EXPECT_EQ(run.at("events_truncated"), true);
  const auto& latest = run.at("events").as_array();
  ASSERT_EQ(latest.size(), 1000u);
  EXPECT_EQ(number(latest.front().as_object(), "n"), 3u);
  EXPECT_EQ(number(latest.back().as_object(), "n"), 1002u);
  EXPECT_EQ(all_pages("/runs/r/events", 1000).size(), 1003u);
}

TEST_F(details, a_small_run_is_not_truncated) {
  publish(timeline_event("r", {{"kind", "annotation"}}));
  const auto run = detail("r");
  EXPECT_TRUE(!run.contains("events_truncated")
              || run.at("events_truncated") == false);
}

TEST_F(details, the_log_holds_the_log_events_oldest_first) {
  json::array events;
  for (int i = 0; i < 45; ++i) {
    events.push_back(
      timeline_event("r", {{"kind", "log"},
                           {"level", i == 7 ? "warn" : "info"},
                           {"message", "m"},
                           {"metadata", json::object{{"n", i}}}}));
    events.push_back(timeline_event("r", {{"kind", "annotation"}, {"n", -1}}));
    events.push_back(timeline_event("other", {{"kind", "log"}, {"n", -2}}));
  }
  publish(events);
  const auto logs = all_pages("/runs/r/logs", 10);
  ASSERT_EQ(logs.size(), 45u);
  for (std::size_t i = 0; i < logs.size(); ++i) {
    const auto& entry = logs[i].as_object();
    EXPECT_EQ(number(entry.at("metadata").as_object(), "n"), i);
    EXPECT_EQ(entry.at("level"), i == 7 ? "warn" : "info");
    EXPECT_EQ(entry.at("executionId"), "r");
  }
  const auto warnings = all_pages("/runs/r/logs?level=warn", 10);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0], logs[7]);
  EXPECT_EQ(all_pages("/runs/r/events", 10).size(), 90u);
}

TEST_F(details, the_log_tells_a_runs_course_from_a_time_on) {
  auto at = [](json::object event, std::string_view ts) {
    event["ts"] = ts;
    return event;
  };
  publish(json::array{
    at(run_event("r", {{"status", "running"}}), "2026-01-02T03:04:05Z"),
    at(timeline_event("r",
                      {{"kind", "counter"}, {"name", "rows"}, {"count", 7}}),
       "2026-01-02T03:04:06Z"),
    at(run_event("r", {{"status", "failed"}, {"error_message", "boom"}}),
       "2026-01-02T03:04:07Z"),
  });
  const auto events = [&](const std::string& query) {
    std::vector<std::string> result;
    for (const auto& x : all_pages("/runs/r/logs" + query, 1))
      result.push_back(text(x.as_object(), "event"));
    return result;
  };
  using texts = std::vector<std::string>;
  EXPECT_EQ(events(""),
            (texts{"execution:started", "execution:rows", "execution:failed"}));
  EXPECT_EQ(events("?since=2026-01-02T03:04:06Z"),
            (texts{"execution:rows", "execution:failed"}));
  EXPECT_EQ(events("?since=1767323047000"), texts{"execution:failed"});
  EXPECT_EQ(events("?level=error"), texts{"execution:failed"});
  const auto entry = all_pages("/runs/r/logs", 50).at(2).as_object();
  EXPECT_EQ(text(entry, "message"), "Execution failed: boom");
  EXPECT_EQ(text(entry, "tenantId"), "t1");
  EXPECT_EQ(text(entry, "createdAt"), "2026-01-02T03:04:07.000Z");
  EXPECT_EQ(entry.size(), 8u);
  const auto refused = http.get(path("/runs/r/logs?since=yesterday"));
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(text(refused.object(), "pointer"), "/since");
}

TEST_F(details, artifacts_have_an_id_and_a_time_even_if_none_was_sent) {
  publish(json::array{
    artifact_event("r", {{"name", "a"}, {"kind", "file"}, {"own", 1}}),
    artifact_event("r", {{"id", "mine"}, {"name", "b"}, {"kind", "link"}}),
  });
  const auto artifacts = all_pages("/runs/r/artifacts", 1);
  ASSERT_EQ(artifacts.size(), 2u);
  const auto& first = artifacts[0].as_object();
  EXPECT_FALSE(text(first, "id").empty());
  EXPECT_FALSE(text(first, "created_at").empty());
  EXPECT_EQ(first.at("own"), 1);
  EXPECT_EQ(artifacts[1].as_object().at("id"), "mine");
}

TEST_F(details, what_is_unknown_is_not_found) {
  publish(run_event("r", {{"name", "n"}}));
  for (const auto* rest : {"/runs/none", "/runs/none/logs", "/runs/none/events",
                           "/runs/none/artifacts", "/definitions/none"}) {
    const auto response = http.get(path(rest));
    EXPECT_EQ(response.status, 404) << rest << response.body;
    EXPECT_EQ(response.code(), "not_found");
  }
}

TEST_F(details, the_rooms_history_can_be_filtered_by_type_and_run) {
  publish(json::array{run_event("r1", {{"name", "a"}}),
                      step_event("r1", "s", {{"status", "running"}}),
                      run_event("r2", {{"name", "b"}}),
                      custom_event("kb:document:completed", {})});
  const auto count = [&](const std::string& query) {
    return http.get(path("/events" + query))
      .object()
      .at("items")
      .as_array()
      .size();
  };
  EXPECT_EQ(count(""), 4u);
  EXPECT_EQ(count("?since=1"), 3u);
  EXPECT_EQ(count("?types=workflow:execution:*"), 3u);
  EXPECT_EQ(count("?types=workflow:execution:updated"), 2u);
  EXPECT_EQ(count("?types=workflow:execution:updated,kb:*"), 3u);
  EXPECT_EQ(count("?execution=r1"), 2u);
  EXPECT_EQ(count("?execution=r1&types=workflow:execution:updated"), 1u);
  EXPECT_EQ(count("?since=4"), 0u);
  EXPECT_EQ(count("?since=1000"), 0u);
  EXPECT_EQ(http.get(path("/events?since=-1")).status, 400);
  EXPECT_EQ(http.get(path("/events?since=x")).status, 400);
}

TEST_F(details, filtered_history_pages_reach_the_end) {
  json::array events;
  for (int i = 0; i < 500; ++i)
    events.push_back(
      custom_event(i % 100 == 99 ? "test:rare" : "test:often", {}));
  publish(events);
  std::vector<std::uint64_t> seqs;
  std::string query = "?types=test:rare&limit=2";
  for (std::string next = query;;) {
    const auto page = http.get(path("/events" + next)).object();
    for (const auto& item : page.at("items").as_array())
      seqs.push_back(number(item.as_object(), "seq"));
    if (!page.contains("next_cursor"))
      break;
    next = query + "&cursor=" + text(page, "next_cursor");
  }
  EXPECT_EQ(seqs, (std::vector<std::uint64_t>{100, 200, 300, 400, 500}));
}

} // namespace callboard::test
