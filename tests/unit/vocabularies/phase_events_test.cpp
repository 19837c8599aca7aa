#include "tests/unit/vocabularies/story.hpp"

namespace callboard::test {
namespace {

class phase_events_test : public ::testing::Test {
protected:
  texts of(const posted_event& x) {
    return said(phase_events(), x);
  }

  static std::string phase(const std::string& node, const std::string& phase,
                           int n, const std::string& rest) {
    return R"({"ts":")" + iso8601(now_ms + n * 1000)
           + R"(","run_id":"r1","node":")" + node + R"(","phase":")" + phase
           + "\"," + rest;
  }

  story it;
};

TEST_F(phase_events_test, a_step_starts_and_ends) {
  it.step("s", R"({"name":"LYRICS"})");
  EXPECT_EQ(
    of(it.step("s", R"({"status":"running"})")),
    texts{phase("LYRICS", "start", 1,
                R"("duration_ms":0,"metrics":{},"issues":[],"seq":1})")});
  it.step("s", R"({"metrics":{"score":1.0},"issues":[{"severity":"warn"}]})");
  EXPECT_EQ(of(it.step("s", R"({"status":"completed"})")),
            texts{phase("LYRICS", "end", 3,
                        R"("duration_ms":2000,"metrics":{"score":1.0},)"
                        R"("issues":[{"severity":"warn"}],"seq":2})")});
}

TEST_F(phase_events_test, what_failed_is_an_issue_if_there_is_no_other) {
  EXPECT_EQ(of(it.step("s", R"({"status":"failed","error_message":"boom"})")),
            texts{phase("s", "fail", 0,
                        R"("duration_ms":0,"metrics":{},"issues":[)"
                        R"({"severity":"error","message":"boom"}],"seq":1})")});
  auto own = of(it.step("t", R"({"status":"failed","error_message":"boom",)"
                             R"("issues":[{"code":7}]})"));
  EXPECT_NE(own.at(0).find(R"("issues":[{"code":7}],"seq":2)"),
            std::string::npos);
}

TEST_F(phase_events_test, the_run_ends_or_fails) {
  it.run(R"({"status":"running"})");
  EXPECT_EQ(of(it.run(R"({"status":"completed"})")),
            texts{phase("RUN", "end", 1,
                        R"("duration_ms":1000,"metrics":{},"issues":[],)"
                        R"("seq":1})")});
  story failing, cancelled;
  EXPECT_NE(said(phase_events(), failing.run(R"({"status":"failed"})"))
              .at(0)
              .find(R"("node":"RUN","phase":"fail")"),
            std::string::npos);
  EXPECT_NE(said(phase_events(), cancelled.run(R"({"status":"cancelled"})"))
              .at(0)
              .find(R"("node":"RUN","phase":"fail")"),
            std::string::npos);
}

TEST_F(phase_events_test, artifacts_are_phases_of_their_step) {
  it.step("s", R"({"name":"RENDER","status":"completed"})");
  EXPECT_EQ(
    of(it.artifact(R"({"id":"a","name":"x.wav","kind":"audio","version":1.0,)"
                   R"("step_id":"s","created_at":null})")),
    texts{phase("RENDER", "artifact", 1,
                R"("artifact":{"id":"a","name":"x.wav","kind":"audio",)"
                R"("version":1.0,"step_id":"s","created_at":null},"seq":2})")});
  EXPECT_NE(of(it.artifact(R"({"id":"b"})"))
              .at(0)
              .find(R"("node":"RUN","phase":"artifact")"),
            std::string::npos);
  EXPECT_NE(of(it.artifact(R"({"id":"c","step_id":"unknown"})"))
              .at(0)
              .find(R"("node":"unknown")"),
            std::string::npos);
}

TEST_F(phase_events_test, numbers_are_contiguous_over_what_is_said) {
  std::uint64_t last = 0;
  auto look = [&](const posted_event& x) {
    auto messages = of(x);
    EXPECT_EQ(messages.size(), phase_seq(x) == 0 ? 0u : 1u);
    if (messages.empty())
      return;
    auto doc = json::document::parse(messages[0]);
    EXPECT_EQ(doc->root().find("seq")->integer(),
              static_cast<std::int64_t>(++last));
    EXPECT_EQ(phase_seq(x), last);
  };
  look(it.run(R"({"status":"running"})"));
  for (auto status : {"pending", "running", "running", "waiting", "running",
                      "failed", "retrying", "running", "completed"})
    look(it.step("a", R"({"status":")" + std::string{status} + "\"}"));
  look(it.step("b", R"({"status":"skipped"})"));
  look(it.step("c", R"({"status":"cancelled"})"));
  look(it.timeline(R"({"kind":"log"})"));
  look(it.artifact("{}"));
  look(it.run(R"({"status":"completed"})"));
  look(it.step("d", R"({"status":"running"})"));
  EXPECT_EQ(last, 8u);
}

TEST_F(phase_events_test, events_of_older_programs_have_no_number) {
  it.with_facts = false;
  EXPECT_EQ(of(it.step("s", R"({"status":"running"})")), texts{});
  EXPECT_EQ(of(it.artifact("{}")), texts{});
}

TEST(vocabularies, are_told_apart) {
  const vocabulary* all[]{&node_events(), &phase_events(), &hub_events(),
                          &monitor_events()};
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < vocabulary::count; ++i) {
    EXPECT_EQ(all[i]->index(), i);
    names.push_back(all[i]->name());
  }
  EXPECT_EQ(names, (std::vector<std::string_view>{"node-events", "phase-events",
                                                  "signalr", "socketio"}));
}

TEST(vocabularies, say_nothing_of_frames_that_are_none) {
  for (std::string text : {"", "[1]", "{}", R"({"data":1})", R"({"data":{}})"})
    for (auto type :
         {"workflow:execution:updated", "workflow:execution:step:updated",
          "workflow:execution:event:created",
          "workflow:execution:artifact:created",
          "workflow:execution:step:stream", "kb:document:failed"}) {
      posted_event x;
      x.seq = {1};
      x.frame = std::make_shared<const std::string>(text);
      x.type_name = type;
      x.facts = std::make_shared<const std::string>(R"({"phase":1})");
      for (auto* in :
           {&node_events(), &phase_events(), &hub_events(), &monitor_events()})
        EXPECT_EQ(said(*in, x), texts{}) << text << type;
    }
}

} // namespace
} // namespace callboard::test
