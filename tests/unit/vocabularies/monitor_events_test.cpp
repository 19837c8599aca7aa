#include "actors/model/monitor_story.hpp"

#include "tests/unit/vocabularies/story.hpp"

namespace callboard::test {
namespace {

class monitor_events_test : public ::testing::Test {
protected:
  texts of(const posted_event& x) {
    return said(monitor_events(), x);
  }

  static std::string emit(const std::string& name, const std::string& more,
                          int n) {
    return R"(["execution:)" + name + R"(",{"executionId":"r1",)" + more
           + R"("timestamp":")" + iso8601(now_ms + n * 1000) + "\"}]";
  }

  texts entries(const posted_event& x) {
    told_event told{x};
    std::vector<monitor_message> messages;
    tell_monitor(told, messages);
    texts out;
    for (auto& message : messages) {
      out.push_back(log_entry(message, told, {"acme"}));
      EXPECT_TRUE(json::document::parse(out.back())) << out.back();
    }
    return out;
  }

  story it;
};

TEST_F(monitor_events_test, a_runs_course) {
  EXPECT_EQ(of(it.run(R"({"status":"running"})")),
            texts{emit("started", R"("status":"RUNNING",)", 0)});
  EXPECT_EQ(of(it.run(R"({"status":"paused"})")),
            texts{emit("paused", R"("status":"PAUSED",)", 1)});
  EXPECT_EQ(of(it.run(R"({"status":"running"})")),
            texts{emit("resumed", R"("status":"RUNNING",)", 2)});
  EXPECT_EQ(
    of(it.run(R"({"status":"completed"})")),
    texts{emit("completed", R"("status":"COMPLETED","duration":3000,)", 3)});
  EXPECT_EQ(of(it.run(R"({"status":"completed"})")), texts{});
}

TEST_F(monitor_events_test, a_run_fails_or_is_cancelled) {
  it.run(R"({"error_message":"boom"})");
  EXPECT_EQ(of(it.run(R"({"status":"failed"})")),
            texts{emit("failed", R"("status":"FAILED","error":"boom",)", 1)});
  story other;
  EXPECT_EQ(said(monitor_events(), other.run(R"({"status":"cancelled"})")),
            texts{emit("cancelled", R"("status":"CANCELLED",)", 0)});
}

TEST_F(monitor_events_test, progress_with_the_producers_word_and_date) {
  it.run(R"({"status":"running"})");
  EXPECT_EQ(of(it.run(R"({"progress":{"completed":1,"total":4.0,)"
                      R"("event":"meta_fetched","date":"2026-01-01"}})")),
            texts{emit("progress",
                       R"("event":"meta_fetched","date":"2026-01-01",)"
                       R"("progress":{"current":1,"total":4.0},)",
                       1)});
  story counted;
  EXPECT_EQ(said(monitor_events(), counted.step("s", "{}")),
            texts{emit("progress",
                       R"("event":"progress","progress":)"
                       R"({"current":0,"total":1},)",
                       0)});
}

TEST_F(monitor_events_test, counters_carry_the_producers_fields) {
  EXPECT_EQ(
    of(it.timeline(
      R"({"kind":"counter","name":"meta_fetched","count":9007199254740993,)"
      R"("date":"2026-01-01","accountId":"a","shopId":1.0,"created_at":null})")),
    texts{emit("meta_fetched",
               R"("count":9007199254740993,"date":"2026-01-01",)"
               R"("accountId":"a","shopId":1.0,)",
               0)});
  EXPECT_EQ(of(it.timeline(R"({"kind":"counter","name":"x\"y","count":1})")),
            texts{emit(R"(x\"y)", R"("count":1,)", 1)});
}

TEST_F(monitor_events_test, a_counter_cannot_pass_for_another_event) {
  for (std::string name : {"started", "completed", "failed", "log", "progress",
                           "paused", "resumed", "cancelled"})
    EXPECT_EQ(of(it.timeline(R"({"kind":"counter","name":")" + name
                             + R"(","count":1})")),
              texts{});
}

TEST_F(monitor_events_test, log_entries_are_the_producers_own) {
  EXPECT_EQ(
    of(it.timeline(R"({"kind":"log","level":"warn","event":"e","message":)"
                   R"("m\u00e9","metadata":{"n":1.0}})")),
    texts{emit("log",
               R"("level":"warn","event":"e","message":"m\u00e9",)"
               R"("metadata":{"n":1.0},)",
               0)});
  EXPECT_EQ(of(it.timeline(R"({"kind":"log"})")),
            texts{emit("log",
                       R"("level":"info","event":null,"message":null,)"
                       R"("metadata":null,)",
                       1)});
}

TEST_F(monitor_events_test, other_events_have_no_words) {
  EXPECT_EQ(of(it.timeline(R"({"kind":"annotation","message":"m"})")), texts{});
  EXPECT_EQ(of(it.artifact("{}")), texts{});
  EXPECT_EQ(of(it.run(R"({"x":1})")), texts{});
}

TEST_F(monitor_events_test, each_message_is_an_entry_of_the_log) {
  EXPECT_EQ(
    entries(it.run(R"({"status":"running"})")),
    texts{R"({"id":"ev","executionId":"r1","tenantId":"acme","level":"info",)"
          R"("event":"execution:started","message":"Execution started",)"
          R"("metadata":{"executionId":"r1","status":"RUNNING",)"
          R"("timestamp":"2026-01-02T03:04:05.678Z"},)"
          R"("createdAt":"2026-01-02T03:04:05.678Z"})"});
  EXPECT_EQ(
    entries(
      it.timeline(R"({"kind":"log","level":"error","event":"e","message":"m",)"
                  R"("metadata":[1.0]})")),
    texts{R"({"id":"ev","executionId":"r1","tenantId":"acme","level":"error",)"
          R"("event":"e","message":"m","metadata":[1.0],)"
          R"("createdAt":"2026-01-02T03:04:06.678Z"})"});
  auto both = entries(it.run(
    R"({"status":"failed","error_message":"x","progress":{"completed":1}})"));
  ASSERT_EQ(both.size(), 2u);
  EXPECT_NE(both[0].find(R"("id":"ev:progress")"), std::string::npos);
  EXPECT_NE(both[0].find(R"("message":"Progress: 1 of 0")"), std::string::npos);
  EXPECT_NE(both[1].find(R"("level":"error","event":"execution:failed",)"
                         R"("message":"Execution failed: x")"),
            std::string::npos);
}

TEST_F(monitor_events_test,
       events_of_older_programs_are_told_as_far_as_they_go) {
  it.with_facts = false;
  EXPECT_EQ(of(it.run(R"({"status":"running"})")).size(), 1u);
  EXPECT_EQ(of(it.run(R"({"status":"completed"})")).size(), 1u);
  EXPECT_EQ(of(it.timeline(R"({"kind":"log"})")).size(), 1u);
}

} // namespace
} // namespace callboard::test
