#include "actors/model/event_facts.hpp"
#include "actors/model/run_machine.hpp"

#include "tests/unit/model/drafts.hpp"

#include <gtest/gtest.h>

namespace callboard {
namespace {

using test::draft;
using test::room;
using test::run_event;
using test::step_event;

class event_facts_test : public ::testing::Test {
protected:
  std::string facts(const event_draft& x) {
    auto record = machine.decide(x, room, now_ms++);
    return record ? record->facts : "(" + record.error().detail + ")";
  }

  std::string run(const std::string& changes) {
    return facts(run_event(changes));
  }

  std::string step(const std::string& id, const std::string& changes) {
    return facts(step_event(id, changes));
  }

  std::string artifact(const std::string& body) {
    return facts(draft(R"({"type":"workflow:execution:artifact:created",)"
                       R"("data":{"execution_id":"r1","artifact":)"
                       + body + "}}"));
  }

  run_machine machine;
  std::int64_t now_ms = test::now_ms;
};

TEST_F(event_facts_test, an_event_that_moves_nothing_says_so) {
  EXPECT_EQ(run(R"({"x":1})"), "{}");
  EXPECT_EQ(run(R"({"status":"pending"})"), "{}");
}

TEST_F(event_facts_test, logs_counters_and_annotations_carry_none) {
  for (std::string kind : {"log", "annotation", "phase_completed"})
    EXPECT_EQ(facts(draft(R"({"type":"workflow:execution:event:created",)"
                          R"("data":{"execution_id":"r1","event":{"kind":")"
                          + kind + R"("}}})")),
              "");
}

TEST_F(event_facts_test, a_run_begins_once_and_names_its_workflow) {
  run(R"({"name":"n","workflow_name":"W"})");
  EXPECT_EQ(
    run(R"({"status":"running"})"),
    R"({"was":"pending","begins":true,"workflow":"W","first":true,"nodes":0})");
  EXPECT_EQ(run(R"({"status":"paused"})"), R"({"was":"running"})");
  EXPECT_EQ(run(R"({"status":"running"})"), R"({"was":"paused"})");
  EXPECT_EQ(run(R"({"status":"running"})"), "{}");
}

TEST_F(event_facts_test, the_workflow_is_called_after_its_definition_else_run) {
  auto names = std::make_shared<definition_names>();
  names->set({"d1"}, R"("Nightly \u00e9")");
  machine.use(names);
  run(R"({"name":"n","workflow_definition_id":"d1"})");
  EXPECT_EQ(run(R"({"status":"running"})"),
            R"({"was":"pending","begins":true,"workflow":"Nightly \u00e9",)"
            R"("first":true,"nodes":0})");
  names->update({"d1"}, R"({"deleted":true})");
  EXPECT_EQ(
    run(R"({"status":"cancelled","started_at":null,"completed_at":null})"),
    R"({"was":"running","workflow":"n","phase":1})");
}

TEST_F(event_facts_test, progress_is_counted_until_the_producer_gives_it) {
  EXPECT_EQ(step("a", "{}"), R"({"progress":[0,1]})");
  step("b", "{}");
  EXPECT_NE(step("a", R"({"status":"completed"})").find(R"("progress":[1,2])"),
            std::string::npos);
  EXPECT_EQ(run(R"({"progress":{"total":9007199254740993}})"),
            R"({"progress":[1,9007199254740993]})");
  EXPECT_NE(step("b", R"({"status":"skipped"})")
              .find(R"("progress":[2,9007199254740993])"),
            std::string::npos);
  EXPECT_EQ(run(R"({"progress":{"completed":1.0,"total":4}})"),
            R"({"progress":[1.0,4]})");
  EXPECT_EQ(run(R"({"progress":{"completed":1.0,"total":4}})"), "{}");
  EXPECT_EQ(step("c", "{}"), "{}");
  EXPECT_EQ(run(R"({"progress":null})"), R"({"progress":[2,3]})");
}

TEST_F(event_facts_test, a_step_is_told_with_what_earlier_events_said) {
  run(R"({"status":"running"})");
  step("a", R"({"name":"Fetch","kind":"http","metrics":{"x":1.0}})");
  auto started = step("a", R"({"status":"running"})");
  EXPECT_EQ(started, R"({"was":"pending","task":"start","phase":1,"fields":)"
                     R"({"name":"Fetch","kind":"http","metrics":{"x":1.0}}})");
  step("a", R"({"output":[1],"metadata":{"p":9007199254740993}})");
  EXPECT_EQ(
    step("a", R"({"status":"completed","output":[2]})"),
    R"({"was":"running","task":"end","progress":[1,1],"phase":2,)"
    R"("fields":{"name":"Fetch","started_at":"2026-01-02T03:04:05.680Z")"
    R"(,"metrics":{"x":1.0},"metadata":{"p":9007199254740993}}})");
}

TEST_F(event_facts_test, tasks_start_before_they_end_and_not_twice) {
  run(R"({"status":"running"})");
  auto task = [&](const std::string& id, const std::string& status) {
    auto x = step(id, R"({"status":")" + status + "\"}");
    auto doc = json::document::parse(x);
    auto found = doc->root().find("task");
    return found ? found->string() : std::string{};
  };
  EXPECT_EQ(task("a", "running"), "start");
  EXPECT_EQ(task("a", "waiting"), "");
  EXPECT_EQ(task("a", "running"), "");
  EXPECT_EQ(task("a", "failed"), "end");
  EXPECT_EQ(task("a", "retrying"), "");
  EXPECT_EQ(task("a", "running"), "start");
  EXPECT_EQ(task("a", "completed"), "end");
  EXPECT_EQ(task("b", "skipped"), "both");
  EXPECT_EQ(task("c", "waiting"), "");
  EXPECT_EQ(task("c", "completed"), "both");
}

TEST_F(event_facts_test, a_task_before_the_run_runs_begins_the_story) {
  EXPECT_EQ(step("a", R"({"status":"running"})"),
            R"({"was":"pending","begins":true,"workflow":"","task":"start",)"
            R"("progress":[0,1],"phase":1})");
  EXPECT_EQ(run(R"({"status":"running","workflow_name":"W"})"),
            R"({"was":"pending","workflow":"W","first":true,"nodes":1})");
}

TEST_F(event_facts_test, after_the_runs_end_steps_have_phases_but_no_tasks) {
  run(R"({"status":"running"})");
  step("a", R"({"status":"running","name":"A"})");
  EXPECT_EQ(run(R"({"status":"failed","error_message":"e"})"),
            R"({"was":"running","workflow":"","phase":2,"fields":)"
            R"({"started_at":"2026-01-02T03:04:05.678Z"}})");
  EXPECT_EQ(step("a", R"({"status":"completed","started_at":null})"),
            R"({"was":"running","phase":3,"fields":{"name":"A"}})");
  EXPECT_EQ(run(R"({"progress":{"completed":5}})"), "{}");
  EXPECT_EQ(artifact(R"({"step_id":"a"})"), R"({"phase":4,"node":"A"})");
}

TEST_F(event_facts_test, a_failed_run_names_the_step_that_failed_last) {
  run(R"({"status":"running"})");
  step("a", R"({"status":"failed"})");
  step("b", R"({"status":"failed"})");
  step("b", R"({"status":"retrying"})");
  EXPECT_NE(run(R"({"status":"failed"})").find(R"("failed_step":"b")"),
            std::string::npos);
}

TEST_F(event_facts_test, a_retry_says_what_failed) {
  step("a", R"({"status":"running","attempt":1,"error_message":"boom"})");
  EXPECT_EQ(
    step("a",
         R"({"status":"retrying","next_retry_at":"2026-01-02T03:04:09Z"})"),
    R"({"was":"running","fields":{"attempt":1,"error_message":"boom"}})");
}

TEST_F(event_facts_test, a_question_is_asked_when_the_step_waits_and_has_it) {
  EXPECT_EQ(step("a", R"({"status":"waiting"})"),
            R"({"was":"pending","progress":[0,1]})");
  EXPECT_EQ(step("a", R"({"input_request":{"prompt":"?"}})"),
            R"({"asks":true})");
  step("a", R"({"status":"running"})");
  EXPECT_EQ(step("a", R"({"status":"waiting"})"),
            R"({"was":"running","asks":true,"fields":{"input_request":)"
            R"({"prompt":"?"}}})");
}

TEST_F(event_facts_test, a_command_says_why) {
  run(R"({"status":"running"})");
  command_arguments pause;
  pause.what = run_command::pause;
  pause.run = {"r1"};
  pause.reason = "lunch \"break\"";
  auto records = machine.decide(pause, room, now_ms);
  ASSERT_TRUE(records);
  EXPECT_EQ((*records)[1].facts,
            R"({"was":"running","reason":"lunch \"break\""})");
}

TEST_F(event_facts_test, artifacts_are_numbered_with_the_phases) {
  EXPECT_EQ(artifact(R"({"name":"x"})"), R"({"phase":1})");
  step("a", R"({"name":"Cut","status":"completed"})");
  EXPECT_EQ(artifact(R"({"name":"x","step_id":"a"})"),
            R"({"phase":3,"node":"Cut"})");
}

TEST_F(event_facts_test, what_has_ended_is_forgotten_but_for_names) {
  run(R"({"status":"running","name":"n"})");
  step("a", R"({"status":"running","name":"A","output":")"
              + std::string(10'000, 'x') + "\"}");
  EXPECT_GT(machine.memory(), 10'000u);
  step("a", R"({"status":"completed"})");
  EXPECT_LT(machine.memory(), 2'000u);
  EXPECT_EQ(machine.brief().steps.at({"a"}).story.fields.fields().size(), 1u);
  run(R"({"status":"completed"})");
  EXPECT_TRUE(machine.brief().story.fields.fields().empty());
}

TEST(fact_marks_test, damaged_or_missing_facts_have_no_marks) {
  json::document scratch;
  for (std::string_view text : {"", "{}", "{\"phase\":", "[1,2,3]"}) {
    auto marks = read_marks(text, scratch);
    EXPECT_EQ(marks.phase, 0u) << text;
    EXPECT_FALSE(marks.moved) << text;
  }
  auto marks = read_marks(
    R"({"was":"running","begins":true,"task":"both","phase":7})", scratch);
  EXPECT_EQ(marks.phase, 7u);
  EXPECT_EQ(marks.task, -1);
  EXPECT_TRUE(marks.begins && marks.moved);
}

} // namespace
} // namespace callboard
