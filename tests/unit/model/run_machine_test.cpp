#include "actors/model/run_machine.hpp"

#include "tests/unit/model/drafts.hpp"

#include <gtest/gtest.h>

namespace callboard {
namespace {

using test::now_ms;
using test::now_text;
using test::room;
using test::run_event;
using test::step_event;

std::string quoted_now() {
  return "\"" + now_text + "\"";
}

class run_machine_test : public ::testing::Test {
protected:
  /// The body of the record that the event becomes, or what went wrong.
  std::string body_of(const event_draft& x) {
    auto record = machine.decide(x, room, now_ms);
    return record ? std::string{record->body()} : record.error().detail;
  }

  void expect_conflict(const event_draft& x, std::string_view from,
                       std::string_view to) {
    auto record = machine.decide(x, room, now_ms);
    ASSERT_FALSE(record);
    EXPECT_EQ(record.error().code, errc::conflict);
    EXPECT_EQ(record.error().pointer, "/data/changes/status");
    for (auto word : {from, to})
      EXPECT_NE(record.error().detail.find(word), std::string::npos)
        << record.error().detail;
  }

  run_machine machine;
};

TEST_F(run_machine_test, the_first_event_creates_the_run) {
  EXPECT_FALSE(machine.exists());
  EXPECT_EQ(body_of(run_event(R"({"name":"x"})")),
            R"({"name":"x","created_at":)" + quoted_now() + "}");
  EXPECT_TRUE(machine.exists());
  EXPECT_EQ(machine.brief().status, run_status::pending);
  EXPECT_EQ(body_of(run_event(R"({"name":"y"})")), R"({"name":"y"})");
}

TEST_F(run_machine_test, the_first_event_may_be_any_other_of_the_run) {
  EXPECT_NE(body_of(step_event("s1", R"({"name":"x"})")).find("created_at"),
            std::string::npos);
  EXPECT_TRUE(machine.exists());
  run_machine other;
  auto log = test::draft(
    R"({"type":"workflow:execution:event:created","data":{"execution_id":"r1","event":{"kind":"log"}}})");
  EXPECT_TRUE(other.decide(log, room, now_ms));
  EXPECT_TRUE(other.exists());
}

TEST_F(run_machine_test, a_refused_first_event_creates_nothing) {
  expect_conflict(run_event(R"({"status":"completed"})"), "pending",
                  "completed");
  EXPECT_FALSE(machine.exists());
}

TEST_F(run_machine_test, times_that_are_left_out_are_set_on_the_transition) {
  EXPECT_EQ(body_of(run_event(R"({"status":"running"})")),
            R"({"status":"running","created_at":)" + quoted_now()
              + R"(,"started_at":)" + quoted_now() + "}");
  EXPECT_EQ(body_of(run_event(R"({"status":"paused"})")),
            R"({"status":"paused"})");
  EXPECT_EQ(body_of(run_event(R"({"status":"running"})")),
            R"({"status":"running"})")
    << "it started before";
  EXPECT_EQ(body_of(run_event(R"({"status":"completed"})")),
            R"({"status":"completed","completed_at":)" + quoted_now() + "}");
  EXPECT_EQ(body_of(run_event(R"({"status":"completed"})")),
            R"({"status":"completed"})")
    << "repeating a status is no transition";
}

TEST_F(run_machine_test, times_come_from_the_events_clock) {
  auto x = run_event("{}", R"("ts":"2020-01-01T00:00:00Z",)");
  EXPECT_EQ(body_of(x), R"({"created_at":"2020-01-01T00:00:00.000Z"})");
}

TEST_F(run_machine_test, times_that_were_sent_are_left_alone) {
  const std::string sent
    = R"({"status":"running","created_at":"2020-01-01T00:00:00Z","started_at":null})";
  EXPECT_EQ(body_of(run_event(sent)), sent);
  EXPECT_FALSE(machine.brief().has_started_at) << "null clears";
  const std::string early = R"({"completed_at":"2020-01-02T00:00:00Z"})";
  EXPECT_EQ(body_of(run_event(early)), early);
  EXPECT_EQ(body_of(run_event(R"({"status":"failed"})")),
            R"({"status":"failed"})");
}

TEST_F(run_machine_test, a_run_goes_from_state_to_state_as_the_table_says) {
  for (int i = 1; i <= 6; ++i)
    for (int j = 1; j <= 6; ++j) {
      auto from = static_cast<run_status>(i), to = static_cast<run_status>(j);
      machine = run_machine{run_brief{from, true, false, {}}};
      auto x = run_event(R"({"status":")" + std::string{to_string(to)} + "\"}");
      if (may_follow(from, to)) {
        EXPECT_TRUE(machine.decide(x, room, now_ms));
        EXPECT_EQ(machine.brief().status, to);
      } else {
        expect_conflict(x, to_string(from), to_string(to));
        EXPECT_EQ(machine.brief().status, from) << "unchanged";
      }
    }
}

TEST_F(run_machine_test, a_step_goes_from_state_to_state_as_the_table_says) {
  for (int i = 1; i <= 8; ++i)
    for (int j = 1; j <= 8; ++j) {
      auto from = static_cast<step_status>(i), to = static_cast<step_status>(j);
      run_brief stored;
      stored.steps[{"s1"}].status = from;
      machine = run_machine{stored};
      auto x = step_event("s1", R"({"status":")" + std::string{to_string(to)}
                                  + "\"}");
      if (may_follow(from, to)) {
        EXPECT_TRUE(machine.decide(x, room, now_ms));
        EXPECT_EQ(machine.brief().steps.at({"s1"}).status, to);
      } else {
        expect_conflict(x, to_string(from), to_string(to));
        EXPECT_EQ(machine.brief().steps.at({"s1"}).status, from) << "unchanged";
      }
    }
}

TEST_F(run_machine_test, any_status_may_be_a_steps_first) {
  for (int i = 1; i <= 8; ++i) {
    std::string status{to_string(static_cast<step_status>(i))};
    auto x
      = step_event("s" + std::to_string(i), R"({"status":")" + status + "\"}");
    EXPECT_TRUE(machine.decide(x, room, now_ms)) << status;
  }
  EXPECT_EQ(machine.brief().steps.size(), 8u);
}

TEST_F(run_machine_test, a_retried_step_has_not_completed) {
  EXPECT_EQ(body_of(step_event("s1", R"({"status":"failed"})")),
            R"({"status":"failed","created_at":)" + quoted_now()
              + R"(,"completed_at":)" + quoted_now() + "}");
  EXPECT_EQ(body_of(step_event("s1", R"({"status":"retrying"})")),
            R"({"status":"retrying","completed_at":null})");
  EXPECT_EQ(body_of(step_event("s1", R"({"status":"running"})")),
            R"({"status":"running","started_at":)" + quoted_now() + "}");
  EXPECT_EQ(body_of(step_event("s1", R"({"status":"completed"})")),
            R"({"status":"completed","completed_at":)" + quoted_now() + "}");
}

TEST_F(run_machine_test, fields_may_change_after_the_end) {
  machine = run_machine{run_brief{run_status::failed, true, true, {}}};
  EXPECT_EQ(body_of(run_event(R"({"status":"failed","output":1})")),
            R"({"status":"failed","output":1})");
  EXPECT_EQ(body_of(run_event(R"({"output":null})")), R"({"output":null})");
}

TEST_F(run_machine_test, the_input_request_is_known_until_it_is_cleared) {
  auto request = [&] { return machine.brief().steps.at({"s1"}).input_request; };
  body_of(step_event("s1", R"({"input_request":{"prompt":"?"}})"));
  body_of(step_event("s1", R"({"status":"waiting"})"));
  EXPECT_EQ(request(), R"({"prompt":"?"})");
  body_of(step_event("s1", R"({"input_request":{"prompt":"!"}})"));
  EXPECT_EQ(request(), R"({"prompt":"!"})");
  body_of(step_event("s1", R"({"input_request":null})"));
  EXPECT_EQ(request(), "");
}

TEST_F(run_machine_test, events_outside_runs_are_no_business_of_a_run) {
  auto out = machine.decide(test::draft(R"({"type":"a:b"})"), room, now_ms);
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code, errc::internal);
  auto record = decide_room_event(test::draft(R"({"type":"a:b","id":"e"})"),
                                  room, now_ms);
  EXPECT_EQ(record.id.value, "e");
}

TEST_F(run_machine_test, memory_grows_with_the_steps) {
  auto before = machine.memory();
  for (int i = 0; i < 100; ++i)
    body_of(step_event("step-" + std::to_string(i), "{}"));
  EXPECT_GT(machine.memory(), before + 100 * sizeof(step_brief));
}

} // namespace
} // namespace callboard
