#include "tests/unit/vocabularies/story.hpp"

namespace callboard::test {
namespace {

class hub_events_test : public ::testing::Test {
protected:
  texts of(const posted_event& x) {
    return said(hub_events(), x);
  }

  static std::string call(const std::string& target,
                          const std::string& argument) {
    return R"({"type":1,"target":")" + target
           + R"(","arguments":[{"executionId":"r1",)" + argument + "}]}";
  }

  /// Only which methods are called.
  texts targets(const posted_event& x) {
    texts out;
    for (auto& text : of(x)) {
      auto doc = json::document::parse(text);
      out.push_back(doc->root().find("target")->string());
    }
    return out;
  }

  story it;
};

TEST_F(hub_events_test, a_workflow_starts_and_completes) {
  it.run(R"({"workflow_name":"W"})");
  EXPECT_EQ(of(it.run(R"({"status":"running"})")),
            texts{call("WorkflowStarted",
                       R"("workflowName":"W",)"
                       R"("timestamp":"2026-01-02T03:04:06.678Z")")});
  EXPECT_EQ(targets(it.run(R"({"status":"paused"})")), texts{});
  EXPECT_EQ(targets(it.run(R"({"status":"running"})")), texts{});
  EXPECT_EQ(of(it.run(R"({"status":"completed","output":{"a":1.0}})")),
            texts{call("WorkflowCompleted",
                       R"("workflowName":"W","status":"Succeeded",)"
                       R"("output":{"a":1.0},"error":null,"duration":3000,)"
                       R"("timestamp":"2026-01-02T03:04:09.678Z")")});
}

TEST_F(hub_events_test, a_workflow_that_never_ran_begins_with_its_end) {
  EXPECT_EQ(targets(it.run(R"({"status":"cancelled"})")),
            (texts{"WorkflowStarted", "WorkflowCompleted"}));
  story other;
  auto messages = said(hub_events(),
                       other.run(R"({"status":"failed","error_message":"e"})"));
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_NE(messages[1].find(R"("status":"Failed","output":null,"error":"e")"),
            std::string::npos);
}

TEST_F(hub_events_test, a_task_starts_before_it_completes) {
  it.run(R"({"status":"running"})");
  it.step("s", R"({"name":"Send"})");
  EXPECT_EQ(
    of(it.step("s", R"({"status":"running"})")),
    texts{call("TaskStarted", R"("taskId":"s","taskName":"Send",)"
                              R"("timestamp":"2026-01-02T03:04:07.678Z")")});
  EXPECT_EQ(of(it.step("s", R"({"status":"completed","output":[1]})")),
            texts{call("TaskCompleted",
                       R"("taskId":"s","taskName":"Send","status":"Succeeded",)"
                       R"("output":[1],"error":null,"duration":1000,)"
                       R"("timestamp":"2026-01-02T03:04:08.678Z")")});
  auto both = of(it.step("t", R"({"status":"skipped"})"));
  ASSERT_EQ(both.size(), 2u);
  EXPECT_NE(both[0].find("TaskStarted"), std::string::npos);
  EXPECT_NE(both[1].find(R"("status":"Skipped")"), std::string::npos);
}

TEST_F(hub_events_test, a_task_may_fail_and_go_on) {
  it.run(R"({"status":"running"})");
  EXPECT_EQ(targets(it.step("s", R"({"status":"running"})")),
            texts{"TaskStarted"});
  EXPECT_EQ(targets(it.step("s", R"({"status":"waiting"})")), texts{});
  EXPECT_EQ(targets(it.step("s", R"({"status":"running"})")), texts{});
  auto failed = of(it.step("s", R"({"status":"failed","error_message":"e"})"));
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_NE(failed[0].find(R"("status":"Failed","output":null,"error":"e")"),
            std::string::npos);
  EXPECT_EQ(targets(it.step("s", R"({"status":"retrying"})")), texts{});
  EXPECT_EQ(targets(it.step("s", R"({"status":"running"})")),
            texts{"TaskStarted"});
  auto done = of(it.step("s", R"({"status":"completed"})"));
  ASSERT_EQ(done.size(), 1u);
  EXPECT_NE(done[0].find(R"("error":null)"), std::string::npos)
    << "what failed before is over";
}

TEST_F(hub_events_test, a_cancelled_task_was_skipped_or_has_failed) {
  it.run(R"({"status":"running"})");
  auto skipped = of(it.step("a", R"({"status":"cancelled"})"));
  ASSERT_EQ(skipped.size(), 2u);
  EXPECT_NE(skipped[1].find(R"("status":"Skipped")"), std::string::npos);
  it.step("b", R"({"status":"running"})");
  auto failed = of(it.step("b", R"({"status":"cancelled"})"));
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_NE(failed[0].find(R"("status":"Failed","output":null,)"
                           R"("error":"cancelled")"),
            std::string::npos);
}

TEST_F(hub_events_test, the_workflow_starts_first_and_once) {
  EXPECT_EQ(targets(it.step("s", R"({"status":"completed"})")),
            (texts{"WorkflowStarted", "TaskStarted", "TaskCompleted"}));
  EXPECT_EQ(targets(it.run(R"({"status":"running"})")), texts{});
}

TEST_F(hub_events_test, nothing_follows_the_workflows_end) {
  it.run(R"({"status":"running"})");
  it.step("s", R"({"status":"running"})");
  it.run(R"({"status":"failed"})");
  EXPECT_EQ(of(it.step("s", R"({"status":"failed"})")), texts{});
  EXPECT_EQ(of(it.step("t", R"({"status":"running"})")), texts{});
  EXPECT_EQ(of(it.run(R"({"status":"failed"})")), texts{});
}

TEST_F(hub_events_test, other_events_have_no_words) {
  EXPECT_EQ(of(it.timeline(R"({"kind":"log"})")), texts{});
  EXPECT_EQ(of(it.artifact("{}")), texts{});
  EXPECT_EQ(of(it.step("s", R"({"progress":1})")), texts{});
}

TEST_F(hub_events_test, events_of_older_programs_are_told_as_far_as_they_go) {
  it.with_facts = false;
  EXPECT_EQ(targets(it.run(R"({"status":"running"})")),
            texts{"WorkflowStarted"});
  EXPECT_EQ(targets(it.step("s", R"({"status":"running"})")),
            texts{"TaskStarted"});
  EXPECT_EQ(targets(it.step("s", R"({"status":"skipped"})")),
            texts{"TaskCompleted"});
  EXPECT_EQ(targets(it.run(R"({"status":"cancelled"})")),
            texts{"WorkflowCompleted"});
}

} // namespace
} // namespace callboard::test
