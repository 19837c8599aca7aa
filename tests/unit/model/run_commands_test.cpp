#include "actors/model/run_machine.hpp"

#include "tests/unit/model/drafts.hpp"

#include <gtest/gtest.h>

namespace callboard {
namespace {

using test::now_ms;
using test::now_text;
using test::room;

command_arguments command(run_command what) {
  command_arguments x;
  x.what = what;
  x.run = {"r1"};
  x.asked_by = "me";
  return x;
}

run_machine in_state(run_status status) {
  return run_machine{run_brief{status, true, false, {}}};
}

run_machine waiting_for(const std::string& input_request) {
  run_brief stored;
  stored.status = run_status::running;
  auto& step = stored.steps[{"s1"}];
  step.status = step_status::waiting;
  step.has_started_at = true;
  step.input_request = input_request;
  return run_machine{stored};
}

command_arguments input(const std::string& value) {
  auto x = command(run_command::input);
  x.step = {"s1"};
  x.value = value;
  return x;
}

/// Asserts that the tail is a frame of one JSON object and reads `pointer`s of
/// it by name.
std::string member(const event_record& record, std::string_view key) {
  auto doc = json::document::parse(record.body());
  EXPECT_TRUE(doc) << record.tail;
  if (!doc)
    return {};
  auto found = doc->root().find(key);
  return found ? std::string{found->raw()} : "absent";
}

TEST(run_commands_test, a_command_is_told_and_then_done) {
  auto machine = in_state(run_status::running);
  auto x = command(run_command::pause);
  x.reason = "say \"please\"";
  auto out = machine.decide(x, room, now_ms);
  ASSERT_TRUE(out);
  ASSERT_EQ(out->size(), 2u);
  const auto &told = (*out)[0], &done = (*out)[1];
  EXPECT_EQ(told.type, event_type::timeline_created);
  EXPECT_EQ(told.type_name(), "workflow:execution:event:created");
  EXPECT_EQ(told.timeline, timeline_kind::other);
  EXPECT_EQ(told.run.value, "r1");
  EXPECT_EQ(member(told, "kind"), R"("command")");
  EXPECT_EQ(member(told, "command"), R"("pause")");
  EXPECT_EQ(member(told, "requested_by"), R"("me")");
  EXPECT_EQ(member(told, "reason"), R"("say \"please\"")");
  EXPECT_EQ(member(told, "id"), json::quoted(told.id.value));
  EXPECT_EQ(member(told, "created_at"), json::quoted(now_text));
  EXPECT_EQ(done.type, event_type::run_updated);
  EXPECT_EQ(done.body(), R"({"status":"paused"})");
  EXPECT_NE(told.id, done.id);
  EXPECT_EQ(machine.brief().status, run_status::paused);
  EXPECT_TRUE(json::document::parse(frame_text({1}, done.tail)));
  EXPECT_NE(done.tail.find(
              R"("data":{"execution_id":"r1","project_id":"p1","changes":)"),
            std::string::npos);
}

TEST(run_commands_test, a_command_is_done_from_the_states_that_allow_it) {
  struct rule {
    run_command what;
    std::string_view allowed_from; // by number of the status
    run_status to;
  };
  for (const auto& x :
       {rule{run_command::pause, "2", run_status::paused},
        rule{run_command::resume, "3", run_status::running},
        rule{run_command::cancel, "123", run_status::cancelled}})
    for (int i = 1; i <= 6; ++i) {
      auto from = static_cast<run_status>(i);
      auto machine = in_state(from);
      auto out = machine.decide(command(x.what), room, now_ms);
      bool allowed = x.allowed_from.find(static_cast<char>('0' + i))
                     != std::string_view::npos;
      ASSERT_EQ(out.has_value(), allowed)
        << to_string(x.what) << " from " << to_string(from);
      EXPECT_EQ(machine.brief().status, allowed ? x.to : from);
      if (allowed)
        continue;
      EXPECT_EQ(out.error().code, errc::conflict);
      for (auto state : {from, x.to})
        EXPECT_NE(out.error().detail.find(to_string(state)), std::string::npos)
          << out.error().detail;
    }
}

TEST(run_commands_test, a_cancelled_run_has_a_completion_time) {
  auto machine = in_state(run_status::pending);
  auto out = machine.decide(command(run_command::cancel), room, now_ms);
  ASSERT_TRUE(out);
  EXPECT_EQ(member(out->back(), "completed_at"), json::quoted(now_text));
  EXPECT_EQ(member(out->back(), "started_at"), "absent");
}

TEST(run_commands_test, an_unknown_run_is_not_found) {
  for (auto what :
       {run_command::pause, run_command::cancel, run_command::input}) {
    run_machine machine;
    auto out = machine.decide(command(what), room, now_ms);
    ASSERT_FALSE(out);
    EXPECT_EQ(out.error().code, errc::not_found);
    EXPECT_FALSE(machine.exists());
  }
}

TEST(run_commands_test, an_answer_goes_to_the_producer_and_the_step_goes_on) {
  auto machine = waiting_for(R"({"prompt":"sure?"})");
  auto out = machine.decide(input(R"( {"a": 1.0} )"), room, now_ms);
  ASSERT_TRUE(out) << out.error().detail;
  ASSERT_EQ(out->size(), 2u);
  const auto &told = (*out)[0], &done = (*out)[1];
  EXPECT_EQ(member(told, "kind"), R"("input_response")");
  EXPECT_EQ(member(told, "step_id"), R"("s1")");
  EXPECT_EQ(member(told, "value"), R"({"a": 1.0})");
  EXPECT_EQ(member(told, "responded_by"), R"("me")");
  EXPECT_EQ(done.type, event_type::step_updated);
  EXPECT_EQ(done.step.value, "s1");
  EXPECT_EQ(done.body(), R"({"status":"running"})");
  EXPECT_EQ(machine.brief().steps.at({"s1"}).status, step_status::running);
  auto again = machine.decide(input("1"), room, now_ms);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, errc::conflict);
  EXPECT_NE(again.error().detail.find("is running"), std::string::npos);
}

TEST(run_commands_test, an_answer_must_be_among_the_options) {
  const std::string request
    = R"({"validation":{"options":["yes",1,{"value":"no","label":"No"},{"x":[1]},null]}})";
  for (const std::string good :
       {R"("yes")", R"("\u0079es")", "1", "1.0", "10e-1", R"("no")",
        R"({"x":[1.0]})", "null"}) {
    auto machine = waiting_for(request);
    EXPECT_TRUE(machine.decide(input(good), room, now_ms)) << good;
  }
  for (const std::string bad :
       {R"("Yes")", "2", R"("1")", R"({"value":"no","label":"No"})", "{}",
        "false"}) {
    auto machine = waiting_for(request);
    auto out = machine.decide(input(bad), room, now_ms);
    ASSERT_FALSE(out) << bad;
    EXPECT_EQ(out.error().code, errc::invalid);
    EXPECT_EQ(out.error().pointer, "/value");
    EXPECT_NE(out.error().detail.find("validation.options"), std::string::npos);
    EXPECT_EQ(machine.brief().steps.at({"s1"}).status, step_status::waiting);
  }
  for (const std::string free : {"{}", R"({"validation":null})",
                                 R"({"validation":{"options":null}})", ""}) {
    auto machine = waiting_for(free);
    EXPECT_TRUE(machine.decide(input("7"), room, now_ms)) << free;
  }
}

TEST(run_commands_test, an_answer_that_cannot_be_one_is_refused) {
  auto refused = [](run_machine machine, const command_arguments& x) {
    auto out = machine.decide(x, room, now_ms);
    EXPECT_FALSE(out);
    return out ? problem{} : out.error();
  };
  EXPECT_EQ(refused(waiting_for(""), input("")).pointer, "/value");
  auto broken = refused(waiting_for(""), input(R"({"a":})"));
  EXPECT_EQ(broken.code, errc::invalid);
  EXPECT_EQ(broken.pointer, "/value/a");
  auto elsewhere = input("1");
  elsewhere.step = {"s2"};
  EXPECT_EQ(refused(waiting_for(""), elsewhere).code, errc::not_found);
  run_brief ended{run_status::cancelled, true, true, {}};
  ended.steps[{"s1"}].status = step_status::waiting;
  auto late = refused(run_machine{ended}, input("1"));
  EXPECT_EQ(late.code, errc::conflict);
  EXPECT_NE(late.detail.find("cancelled"), std::string::npos);
}

TEST(run_commands_test, a_new_run_is_pending_and_has_the_given_fields) {
  run_machine machine;
  auto x = command(run_command::create);
  x.fields
    = R"({"id":"r1", "name":"n" ,"input":{"a": 1.0},"status":"pending"})";
  auto out = machine.create(x, room, now_ms);
  ASSERT_TRUE(out) << out.error().detail;
  EXPECT_EQ(
    out->body(),
    R"({"status":"pending","name":"n","input":{"a": 1.0},"created_at":")"
      + now_text + "\"}");
  EXPECT_EQ(out->run.value, "r1");
  EXPECT_TRUE(machine.exists());
  EXPECT_EQ(machine.brief().status, run_status::pending);
  auto again = machine.create(x, room, now_ms);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, errc::conflict);
}

TEST(run_commands_test, a_new_run_needs_no_fields_but_right_ones) {
  run_machine machine;
  auto x = command(run_command::create);
  for (auto [fields, pointer] :
       std::initializer_list<std::pair<const char*, const char*>>{
         {R"({"name":7})", "/name"},
         {R"({"status":"running"})", "/status"},
         {R"({"workflow_definition_id":""})", "/workflow_definition_id"},
         {"[]", ""},
         {"{", ""}}) {
    x.fields = fields;
    auto out = machine.create(x, room, now_ms);
    ASSERT_FALSE(out) << fields;
    EXPECT_EQ(out.error().code, errc::invalid);
    EXPECT_EQ(out.error().pointer, pointer);
  }
  EXPECT_FALSE(machine.exists());
  x.fields.clear();
  EXPECT_TRUE(machine.create(x, room, now_ms));
}

TEST(run_commands_test, only_an_ended_run_is_retried) {
  EXPECT_EQ(run_machine{}.check_retry().error().code, errc::not_found);
  for (int i = 1; i <= 6; ++i) {
    auto status = static_cast<run_status>(i);
    auto ok = in_state(status).check_retry();
    ASSERT_EQ(ok.has_value(), is_ended(status));
    if (!ok) {
      EXPECT_EQ(ok.error().code, errc::conflict);
      EXPECT_NE(ok.error().detail.find(to_string(status)), std::string::npos);
      EXPECT_NE(ok.error().detail.find("pending"), std::string::npos);
    }
  }
}

TEST(run_commands_test, a_retry_names_the_other_run_on_both_sides) {
  auto old = in_state(run_status::failed);
  auto x = command(run_command::retry);
  x.reason = "again";
  auto told = old.retried(x, {"r2"}, room, now_ms);
  EXPECT_EQ(told.run.value, "r1");
  EXPECT_EQ(member(told, "command"), R"("retry")");
  EXPECT_EQ(member(told, "new_execution_id"), R"("r2")");
  EXPECT_EQ(member(told, "reason"), R"("again")");
  EXPECT_EQ(old.brief().status, run_status::failed);

  run_machine next;
  x.run = {"r2"};
  x.fields = R"({"name":"n","retry_of":"r1"})";
  auto made = next.create(x, room, now_ms);
  ASSERT_TRUE(made);
  EXPECT_EQ(member(*made, "retry_of"), R"("r1")");
  EXPECT_EQ(member(*made, "status"), R"("pending")");
}

} // namespace
} // namespace callboard
