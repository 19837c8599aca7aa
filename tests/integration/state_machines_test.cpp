// Every transition of runs and steps, allowed or not, through the front door.

#include "tests/integration/live_node.hpp"

#include <map>
#include <set>

namespace callboard::test {

namespace {

using transitions = std::map<std::string, std::set<std::string>>;

// As contract 1 writes them; staying is not a transition and always allowed.
const transitions run_transitions{
  {"pending", {"running", "failed", "cancelled"}},
  {"running", {"paused", "completed", "failed", "cancelled"}},
  {"paused", {"running", "failed", "cancelled"}},
  {"completed", {}},
  {"failed", {}},
  {"cancelled", {}},
};

// How to bring a run to each state.
const std::map<std::string, std::vector<std::string>> run_ways{
  {"pending", {"pending"}},
  {"running", {"running"}},
  {"paused", {"running", "paused"}},
  {"completed", {"running", "completed"}},
  {"failed", {"failed"}},
  {"cancelled", {"cancelled"}},
};

const std::set<std::string> ended_steps{"completed", "failed", "skipped",
                                        "cancelled"};
const std::vector<std::string> step_states{"pending",  "running",   "waiting",
                                           "retrying", "completed", "failed",
                                           "skipped",  "cancelled"};

bool step_may_go(const std::string& from, const std::string& to) {
  return from == to || !ended_steps.contains(from)
         || (from == "failed" && to == "retrying");
}

class state_machines : public live_node {
protected:
  void expect_conflict(const http_response& response, const std::string& from,
                       const std::string& to) {
    EXPECT_EQ(response.status, 409) << from << " -> " << to << response.body;
    EXPECT_EQ(response.code(), "conflict");
    const auto why = text(response.object(), "detail");
    EXPECT_NE(why.find(from), std::string::npos) << why;
    EXPECT_NE(why.find(to), std::string::npos) << why;
  }
};

} // namespace

TEST_F(state_machines, runs_go_exactly_where_the_contract_lets_them) {
  for (const auto& [from, allowed] : run_transitions) {
    for (const auto& [to, ignored] : run_transitions) {
      const auto run = from + "-" + to;
      for (const auto& status : run_ways.at(from))
        publish(run_event(run, {{"status", status}}));
      const auto before = history().size();
      const auto response
        = http.publish(project, run_event(run, {{"status", to}}));
      if (allowed.contains(to) || from == to) {
        EXPECT_EQ(response.status / 100, 2) << run << response.body;
        EXPECT_EQ(text(detail(run), "status"), to);
      } else {
        expect_conflict(response, from, to);
        EXPECT_EQ(text(detail(run), "status"), from);
        EXPECT_EQ(history().size(), before) << "a refused event was stored";
      }
    }
  }
}

TEST_F(state_machines, steps_go_exactly_where_the_contract_lets_them) {
  publish(run_event("r", {{"status", "running"}}));
  for (const auto& from : step_states) {
    for (const auto& to : step_states) {
      const auto step = from + "-" + to;
      publish(step_event("r", step, {{"status", from}}));
      const auto response
        = http.publish(project, step_event("r", step, {{"status", to}}));
      if (step_may_go(from, to))
        EXPECT_EQ(response.status / 100, 2) << step << response.body;
      else
        expect_conflict(response, from, to);
    }
  }
  std::map<std::string, std::string> statuses;
  const auto run = detail("r");
  for (const auto& item : run.at("steps").as_array())
    statuses[text(item.as_object(), "id")] = text(item.as_object(), "status");
  for (const auto& from : step_states) {
    for (const auto& to : step_states)
      EXPECT_EQ(statuses.at(from + "-" + to),
                step_may_go(from, to) ? to : from);
  }
}

TEST_F(state_machines, the_first_event_of_an_unknown_run_creates_it_pending) {
  publish(step_event("r", "s", {{"name", "first"}}));
  EXPECT_EQ(text(detail("r"), "status"), "pending");
  const auto response
    = http.publish(project, run_event("new", {{"status", "completed"}}));
  expect_conflict(response, "pending", "completed");
  EXPECT_EQ(http.get(path("/runs/new")).status, 404)
    << "a refused first event must not create the run";
}

TEST_F(state_machines, times_left_out_are_set_on_the_transition_and_sent) {
  publish(json::array{run_event("r", {{"name", "n"}}),
                      run_event("r", {{"status", "running"}}),
                      run_event("r", {{"status", "completed"}})});
  const auto run = detail("r");
  const auto frames = history();
  const auto changes_of = [&](std::size_t i) {
    return frames.at(i).at("data").as_object().at("changes").as_object();
  };
  EXPECT_EQ(text(run, "created_at"), text(changes_of(0), "created_at"));
  EXPECT_EQ(text(run, "started_at"), text(changes_of(1), "started_at"));
  EXPECT_EQ(text(run, "completed_at"), text(changes_of(2), "completed_at"));
}

TEST_F(state_machines, times_that_the_producer_gives_are_kept) {
  const json::object changes{{"status", "running"},
                             {"created_at", "2026-01-02T03:04:05.678Z"},
                             {"started_at", "2026-01-02T03:04:06.678Z"}};
  publish(run_event("r", changes));
  const auto run = detail("r");
  EXPECT_EQ(text(run, "created_at"), "2026-01-02T03:04:05.678Z");
  EXPECT_EQ(text(run, "started_at"), "2026-01-02T03:04:06.678Z");
}

TEST_F(state_machines, resuming_does_not_move_started_at) {
  publish(run_event(
    "r", {{"status", "running"}, {"started_at", "2026-01-02T03:04:06.000Z"}}));
  publish(json::array{run_event("r", {{"status", "paused"}}),
                      run_event("r", {{"status", "running"}})});
  EXPECT_EQ(text(detail("r"), "started_at"), "2026-01-02T03:04:06.000Z");
}

TEST_F(state_machines, changes_are_merged_field_by_field) {
  publish(json::array{
    run_event("r",
              {{"name", "a"}, {"input", {{"x", 1}, {"y", 2}}}, {"own", 1}}),
    run_event("r", {{"input", {{"z", 3}}},
                    {"progress", {{"completed", 1}, {"total", 4}}}}),
    run_event("r", {{"own", nullptr}, {"error_message", "oops"}}),
    run_event("r", {{"error_message", nullptr}}),
  });
  const auto run = detail("r");
  EXPECT_EQ(text(run, "name"), "a");
  EXPECT_EQ(run.at("input"), json::parse(R"({"z":3})"))
    << "replaced, not merged";
  EXPECT_EQ(run.at("progress"), json::parse(R"({"completed":1,"total":4})"));
  EXPECT_FALSE(run.contains("own"));
  EXPECT_TRUE(run.at("error_message").is_null());
}

TEST_F(state_machines, an_ended_run_still_takes_fields_but_no_status) {
  publish(json::array{run_event("r", {{"status", "failed"}}),
                      run_event("r", {{"output", {{"late", true}}}})});
  EXPECT_EQ(detail("r").at("output"), json::parse(R"({"late":true})"));
}

TEST_F(state_machines, within_one_array_each_event_sees_the_one_before) {
  const auto response = http.publish(
    project, json::array{run_event("r", {{"status", "running"}}),
                         run_event("r", {{"status", "completed"}}),
                         run_event("r", {{"status", "running"}}),
                         run_event("r", {{"name", "still"}})});
  const auto answer = response.object();
  EXPECT_EQ(number(answer, "accepted"), 3u) << response.body;
  const auto& error
    = answer.at("results").as_array().at(2).as_object().at("error").as_object();
  EXPECT_EQ(text(error, "code"), "conflict");
  const auto why = text(error, "detail");
  EXPECT_NE(why.find("completed"), std::string::npos) << why;
  EXPECT_NE(why.find("running"), std::string::npos) << why;
  EXPECT_EQ(history().size(), 3u) << "the refused one must not leave a gap";
}

} // namespace callboard::test
