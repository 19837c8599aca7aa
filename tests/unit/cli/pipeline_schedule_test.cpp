#include "cli/pipeline_schedule.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace callboard {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;

namespace {

using kind = pipeline_schedule::action::kind;
const pipeline_schedule::time_point start{};

pipeline_step step(std::string id, std::vector<std::size_t> needed = {}) {
  pipeline_step out;
  out.id = std::move(id);
  out.run = "true";
  out.needed = std::move(needed);
  return out;
}

/// "start 0/1": what, which step, which attempt.
std::vector<std::string> due(pipeline_schedule& x,
                             pipeline_schedule::time_point now = start) {
  std::vector<std::string> out;
  for (const auto& each : x.due(now)) {
    const auto* word = each.what == kind::start ? "start "
                       : each.what == kind::ask ? "ask "
                                                : "skip ";
    out.push_back(word + std::to_string(each.step)
                  + (each.what == kind::start
                       ? '/' + std::to_string(each.attempt)
                       : std::string{}));
  }
  return out;
}

} // namespace

TEST(pipeline_schedule, steps_without_needs_start_together_up_to_the_limit) {
  pipeline plan;
  plan.steps = {step("a"), step("b"), step("c")};
  pipeline_schedule x{plan, 2};
  EXPECT_THAT(due(x), ElementsAre("start 0/1", "start 1/1"));
  EXPECT_THAT(due(x), IsEmpty());
  x.completed(1);
  EXPECT_THAT(due(x), ElementsAre("start 2/1"));
}

TEST(pipeline_schedule, a_step_waits_for_all_that_it_needs) {
  pipeline plan;
  plan.steps = {step("a"), step("b"), step("c", {0, 1})};
  pipeline_schedule x{plan, 4};
  EXPECT_THAT(due(x), ElementsAre("start 0/1", "start 1/1"));
  x.completed(0);
  EXPECT_THAT(due(x), IsEmpty());
  x.completed(1);
  EXPECT_THAT(due(x), ElementsAre("start 2/1"));
  x.completed(2);
  EXPECT_TRUE(x.finished());
  EXPECT_EQ(x.outcome(), run_status::completed);
}

TEST(pipeline_schedule, a_failed_step_is_retried_later_and_later) {
  pipeline plan;
  plan.steps = {step("a")};
  plan.steps[0].retries = 2;
  plan.steps[0].retry_delay = 1s;
  pipeline_schedule x{plan, 1};
  due(x);
  x.failed(0, start);
  EXPECT_EQ(x.status(0), step_status::retrying);
  EXPECT_EQ(x.next_due(), start + 1s);
  EXPECT_THAT(due(x, start + 999ms), IsEmpty());
  EXPECT_THAT(due(x, start + 1s), ElementsAre("start 0/2"));
  x.failed(0, start + 2s);
  EXPECT_EQ(x.next_due(), start + 4s);
  EXPECT_THAT(due(x, start + 4s), ElementsAre("start 0/3"));
  x.failed(0, start + 5s);
  EXPECT_EQ(x.status(0), step_status::failed);
  EXPECT_EQ(x.outcome(), run_status::failed);
}

TEST(pipeline_schedule, what_needs_a_failed_step_is_skipped_to_the_end) {
  pipeline plan;
  plan.steps = {step("a"), step("b", {0}), step("c", {1}), step("d", {2}),
                step("e", {0})};
  plan.steps[3].when = run_condition::always;
  plan.steps[4].when = run_condition::failure;
  pipeline_schedule x{plan, 4};
  due(x);
  x.failed(0, start);
  EXPECT_THAT(due(x), testing::UnorderedElementsAre("skip 1", "skip 2",
                                                    "start 3/1", "start 4/1"));
}

TEST(pipeline_schedule, a_step_for_failures_is_skipped_when_all_went_well) {
  pipeline plan;
  plan.steps = {step("a"), step("b", {0})};
  plan.steps[1].when = run_condition::failure;
  pipeline_schedule x{plan, 1};
  due(x);
  x.completed(0);
  EXPECT_THAT(due(x), ElementsAre("skip 1"));
  EXPECT_EQ(x.outcome(), run_status::completed);
}

TEST(pipeline_schedule,
     a_step_with_input_asks_first_and_takes_no_place_meanwhile) {
  pipeline plan;
  plan.steps = {step("a"), step("b")};
  plan.steps[0].input = pipeline_input{"go?", "text", {}};
  pipeline_schedule x{plan, 1};
  EXPECT_THAT(due(x), ElementsAre("ask 0", "start 1/1"));
  EXPECT_EQ(x.status(0), step_status::waiting);
  EXPECT_FALSE(x.answered(1));
  EXPECT_TRUE(x.answered(0));
  EXPECT_FALSE(x.answered(0));
  EXPECT_THAT(due(x), IsEmpty()) << "the only place is taken";
  x.completed(1);
  EXPECT_THAT(due(x), ElementsAre("start 0/1"));
}

TEST(pipeline_schedule, a_paused_run_starts_nothing_and_does_not_finish) {
  pipeline plan;
  plan.steps = {step("a"), step("b", {0})};
  pipeline_schedule x{plan, 1};
  due(x);
  x.pause();
  x.completed(0);
  EXPECT_THAT(due(x), IsEmpty());
  x.resume();
  EXPECT_THAT(due(x), ElementsAre("start 1/1"));
  x.pause();
  x.completed(1);
  EXPECT_FALSE(x.finished());
  EXPECT_EQ(x.outcome(), run_status::paused);
  x.resume();
  EXPECT_TRUE(x.finished());
}

TEST(pipeline_schedule, cancelling_ends_all_that_does_not_run) {
  pipeline plan;
  plan.steps = {step("a"), step("b", {0}), step("c")};
  plan.steps[2].input = pipeline_input{"go?", "text", {}};
  pipeline_schedule x{plan, 1};
  due(x);
  EXPECT_THAT(x.cancel(), ElementsAre(1u, 2u));
  EXPECT_THAT(due(x), IsEmpty());
  EXPECT_FALSE(x.finished());
  x.cancelled(0);
  EXPECT_EQ(x.outcome(), run_status::cancelled);
}

TEST(pipeline_schedule, a_step_that_fails_while_cancelling_is_not_retried) {
  pipeline plan;
  plan.steps = {step("a")};
  plan.steps[0].retries = 5;
  pipeline_schedule x{plan, 1};
  due(x);
  x.cancel();
  x.failed(0, start);
  EXPECT_EQ(x.status(0), step_status::failed);
}

TEST(pipeline_schedule, phases_begin_and_end_with_their_steps) {
  pipeline plan;
  plan.phases = {"one", "two", "none"};
  plan.steps = {step("a"), step("b", {0})};
  plan.steps[0].phase = "one";
  plan.steps[1].phase = "two";
  pipeline_schedule x{plan, 1};
  EXPECT_EQ(x.current_phase(), "");
  due(x);
  EXPECT_EQ(x.current_phase(), "one");
  x.completed(0);
  due(x);
  EXPECT_EQ(x.current_phase(), "two");
  EXPECT_THAT(x.ended_phases(), ElementsAre("one"));
  x.completed(1);
  EXPECT_EQ(x.current_phase(), "two");
  EXPECT_THAT(x.ended_phases(), ElementsAre("one", "two"));
}

TEST(pipeline_schedule, a_phase_with_a_failed_step_does_not_complete) {
  pipeline plan;
  plan.phases = {"one"};
  plan.steps = {step("a")};
  plan.steps[0].phase = "one";
  pipeline_schedule x{plan, 1};
  due(x);
  x.failed(0, start);
  EXPECT_THAT(x.ended_phases(), IsEmpty());
}

} // namespace callboard
