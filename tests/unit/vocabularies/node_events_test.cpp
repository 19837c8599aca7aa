#include "tests/unit/vocabularies/story.hpp"

namespace callboard::test {
namespace {

class node_events_test : public ::testing::Test {
protected:
  texts of(const posted_event& x) {
    return said(node_events(), x);
  }

  /// What every message of the n-th event begins with, from 0.
  static std::string head(const std::string& type, int n,
                          const std::string& more = "") {
    return R"({"type":")" + type + R"(","timestamp":)"
           + std::to_string(now_ms + n * 1000) + R"(,"eventId":"ev)" + more
           + R"(","executionId":"r1",)";
  }

  story it;
};

TEST_F(node_events_test, a_run_starts_once_and_is_resumed_later) {
  EXPECT_EQ(of(it.run(R"({"workflow_name":"Nightly \u00e9"})")), texts{});
  EXPECT_EQ(of(it.run(R"({"status":"running"})")),
            texts{head("execution:started", 1)
                  + R"("workflowName":"Nightly \u00e9","totalNodes":0})"});
  EXPECT_EQ(of(it.run(R"({"status":"running"})")), texts{}) << "not a change";
  auto bare = [&](const std::string& type, int n) {
    auto out = head(type, n);
    out.back() = '}';
    return texts{out};
  };
  EXPECT_EQ(of(it.run(R"({"status":"paused"})")), bare("execution:paused", 3));
  EXPECT_EQ(of(it.run(R"({"status":"running"})")),
            bare("execution:resumed", 4));
  EXPECT_EQ(of(it.run(R"({"status":"paused","reason":"lunch"})")),
            texts{head("execution:paused", 5) + R"("reason":"lunch"})"});
  EXPECT_EQ(of(it.run(R"({"status":"cancelled"})")),
            bare("execution:cancelled", 6));
}

TEST_F(node_events_test, a_command_says_its_reason) {
  it.run(R"({"status":"running"})");
  command_arguments pause;
  pause.run = {"r1"};
  pause.reason = "why";
  auto records = it.machine.decide(pause, room, it.now);
  ASSERT_TRUE(records);
  EXPECT_EQ(of(it.post(records->at(0))), texts{});
  auto message = of(it.post(records->at(1))).at(0);
  EXPECT_NE(message.find(R"("type":"execution:paused")"), std::string::npos);
  EXPECT_NE(message.find(R"("reason":"why")"), std::string::npos);
}

TEST_F(node_events_test, a_start_knows_the_number_of_nodes) {
  it.run(R"({"progress":{"total":7}})");
  EXPECT_NE(of(it.run(R"({"status":"running"})"))
              .at(0)
              .find(R"("workflowName":"","totalNodes":7})"),
            std::string::npos);
}

TEST_F(node_events_test, a_run_completes_with_outputs_and_duration) {
  it.run(R"({"status":"running"})");
  it.run(R"({"output":{"n":9007199254740993,"x":1.0}})");
  EXPECT_EQ(of(it.run(R"({"status":"completed"})")),
            texts{head("execution:completed", 2)
                  + R"("status":"completed","outputs":{"n":9007199254740993,)"
                    R"("x":1.0},"duration":2000})"});
}

TEST_F(node_events_test, a_run_without_output_has_empty_outputs) {
  it.run(R"({"status":"running","output":{"a":1}})");
  auto message = of(it.run(R"({"status":"completed","output":null})")).at(0);
  EXPECT_NE(message.find(R"("outputs":{},)"), std::string::npos);
}

TEST_F(node_events_test, a_failed_run_names_the_node_that_failed_last) {
  it.run(R"({"status":"running"})");
  it.step("s1", R"({"status":"failed"})");
  EXPECT_EQ(
    of(it.run(R"({"status":"failed","error_message":"boom"})")),
    texts{head("execution:failed", 2)
          + R"("status":"failed","error":"boom","failedNodeId":"s1"})"});
  story other;
  auto message = said(node_events(), other.run(R"({"status":"failed"})")).at(0);
  EXPECT_NE(message.find(R"("error":""})"), std::string::npos) << message;
}

TEST_F(node_events_test, progress_follows_what_changed_it) {
  it.run(R"({"status":"running"})");
  auto messages = of(it.step("a", R"({"status":"running"})"));
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[1], head("execution:progress", 1, ":progress")
                           + R"("completed":0,"total":1,"percentage":0.0})");
  it.step("b", "{}");
  it.step("c", "{}");
  messages = of(it.step("a", R"({"status":"completed"})"));
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_NE(messages[0].find("node:completed"), std::string::npos);
  EXPECT_EQ(messages[1], head("execution:progress", 4, ":progress")
                           + R"("completed":1,"total":3,"percentage":33.3})");
  EXPECT_EQ(of(it.run(R"({"progress":{"completed":2.0,"total":3}})")),
            texts{head("execution:progress", 5, ":progress")
                  + R"("completed":2.0,"total":3,"percentage":66.7})"});
}

TEST_F(node_events_test, progress_comes_before_the_end_that_it_came_with) {
  it.run(R"({"status":"running"})");
  auto messages = of(
    it.run(R"({"status":"completed","progress":{"completed":9,"total":3}})"));
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_NE(messages[0].find(R"("percentage":100.0)"), std::string::npos);
  EXPECT_NE(messages[1].find("execution:completed"), std::string::npos);
}

TEST_F(node_events_test, nodes_are_told_with_their_names) {
  it.run(R"({"status":"running","progress":{"completed":0,"total":1}})");
  it.step("s1", R"({"name":"Send","kind":"email"})");
  EXPECT_EQ(of(it.step("s1", R"({"status":"running"})")),
            texts{head("node:started", 2)
                  + R"("nodeId":"s1","nodeName":"Send","nodeType":"email"})"});
  EXPECT_EQ(of(it.step("s2", R"({"status":"running"})")),
            texts{head("node:started", 3)
                  + R"("nodeId":"s2","nodeName":"s2","nodeType":null})"});
}

TEST_F(node_events_test, a_node_completes_as_the_contracts_example) {
  it.run(R"({"status":"running","progress":{"completed":0,"total":1}})");
  it.step("node_3",
          R"({"status":"running","metadata":{"provider":"sendgrid"}})");
  it.now += 1500;
  EXPECT_EQ(of(it.step("node_3", R"({"status":"completed",)"
                                 R"("output":{"emailId":"msg_1","n":1.0}})")),
            texts{R"({"type":"node:completed","timestamp":)"
                  + std::to_string(now_ms + 3500)
                  + R"(,"eventId":"ev","executionId":"r1","nodeId":"node_3",)"
                    R"("output":{"emailId":"msg_1","n":1.0},"duration":2500,)"
                    R"("metadata":{"provider":"sendgrid"}})"});
}

TEST_F(node_events_test, a_node_fails_and_is_tried_again) {
  it.run(R"({"status":"running","progress":{"completed":0,"total":1}})");
  it.step("s", R"({"status":"running","attempt":2})");
  EXPECT_EQ(of(it.step("s", R"({"status":"failed","error_message":"e"})")),
            texts{head("node:failed", 2) + R"("nodeId":"s","error":"e"})"});
  EXPECT_EQ(
    of(it.step("s", R"({"status":"retrying",)"
                    R"("next_retry_at":"2026-01-02T03:04:09.178Z"})")),
    texts{head("node:retry", 3)
          + R"("nodeId":"s","attempt":2,"nextRetryIn":500,"error":"e"})"});
  it.step("s", R"({"status":"running"})");
  auto past = of(it.step("s", R"({"status":"retrying"})")).at(0);
  EXPECT_NE(past.find(R"("nextRetryIn":0)"), std::string::npos);
}

TEST_F(node_events_test, a_waiting_node_asks) {
  it.run(R"({"status":"running","progress":{"completed":0,"total":1}})");
  EXPECT_EQ(
    of(it.step("s",
               R"({"status":"waiting","input_request":{"prompt":"Go?",)"
               R"("input_type":"choice","validation":{"options":[1.0]}}})")),
    texts{head("user:input:required", 1)
          + R"("nodeId":"s","prompt":"Go?","inputType":"choice",)"
            R"("validation":{"options":[1.0]}})"});
  it.step("s", R"({"status":"running"})");
  auto again = of(it.step("s", R"({"status":"waiting"})"));
  ASSERT_EQ(again.size(), 1u);
  EXPECT_NE(again[0].find(R"("prompt":"Go?")"), std::string::npos);
  EXPECT_EQ(of(it.step("t", R"({"status":"waiting"})")), texts{})
    << "it asks nothing";
}

TEST_F(node_events_test, streams_are_passed_on) {
  auto chunk = it.decide(
    draft(R"({"type":"workflow:execution:step:stream","id":"ev","data":)"
          R"({"execution_id":"r1","step_id":"s","chunk":"a\n\u00e9"}})"));
  EXPECT_EQ(of(chunk), texts{head("node:stream", 0)
                             + R"("nodeId":"s","chunk":"a\n\u00e9"})"});
  posted_event snapshot;
  snapshot.run = {"r1"};
  snapshot.step = {"s"};
  snapshot.snapshot = true;
  snapshot.frame = std::make_shared<const std::string>(
    stream_snapshot_frame(room, {"r1"}, {"s"}, "so far", now_ms));
  snapshot.type_name = "workflow:execution:step:stream";
  auto text = of(snapshot).at(0);
  EXPECT_NE(text.find(R"("chunk":"so far","snapshot":true})"),
            std::string::npos);
}

TEST_F(node_events_test, documents_go_to_the_whole_tenant) {
  auto document = [](const std::string& scope, const std::string& data) {
    return draft(R"({"type":"kb:document:completed","id":"ev",)" + scope
                 + R"("data":)" + data + "}");
  };
  EXPECT_EQ(
    of(it.decide(document(R"("scope":"tenant",)",
                          R"({"knowledgeBaseId":"k","documentId":"d",)"
                          R"("chunkCount":9007199254740993})"))),
    texts{R"({"type":"kb:document:completed","timestamp":1767323045678,)"
          R"("eventId":"ev","knowledgeBaseId":"k","documentId":"d",)"
          R"("chunkCount":9007199254740993})"});
  EXPECT_EQ(
    of(it.decide(document(R"("scope":"tenant",)",
                          R"({"knowledge_base_id":"k","document_id":"d"})"))),
    texts{R"({"type":"kb:document:completed","timestamp":1767323046678,)"
          R"("eventId":"ev","knowledgeBaseId":"k","documentId":"d"})"});
  EXPECT_EQ(of(it.decide(document("", R"({"documentId":"d"})"))), texts{});
  EXPECT_EQ(
    of(it.decide(draft(R"({"type":"kb:other","scope":"tenant","data":{}})"))),
    texts{});
}

TEST_F(node_events_test, other_events_have_no_words) {
  EXPECT_EQ(of(it.timeline(R"({"kind":"log","message":"m"})")), texts{});
  EXPECT_EQ(of(it.timeline(R"({"kind":"counter","name":"c","count":1})")),
            texts{});
  EXPECT_EQ(of(it.artifact(R"({"name":"a"})")), texts{});
  it.step("s", "{}");
  for (auto status : {"skipped", "cancelled"}) {
    auto messages
      = of(it.step(status, R"({"status":")" + std::string{status} + "\"}"));
    for (auto& text : messages)
      EXPECT_NE(text.find("execution:progress"), std::string::npos) << text;
  }
}

TEST_F(node_events_test, what_is_ephemeral_changes_no_state) {
  EXPECT_EQ(of(it.decide(draft(
              R"({"type":"workflow:execution:updated","ephemeral":true,)"
              R"("data":{"execution_id":"r1","changes":{"status":"running",)"
              R"("progress":{"completed":1,"total":2}}}})"))),
            texts{});
}

TEST_F(node_events_test, events_of_older_programs_are_told_as_far_as_they_go) {
  it.with_facts = false;
  auto first = of(it.run(R"({"status":"running","name":"N"})"));
  ASSERT_EQ(first.size(), 1u);
  EXPECT_NE(first[0].find(R"("workflowName":"N","totalNodes":0)"),
            std::string::npos);
  it.run(R"({"status":"paused"})");
  EXPECT_NE(
    of(it.run(R"({"status":"running"})")).at(0).find("execution:resumed"),
    std::string::npos);
  EXPECT_EQ(of(it.run(R"({"progress":{"completed":1,"total":2}})")).size(), 1u);
  it.step("s", R"({"name":"A","status":"running"})");
  auto done = of(it.step("s", R"({"status":"completed"})")).at(0);
  EXPECT_NE(done.find(R"("output":null,"duration":0)"), std::string::npos);
}

} // namespace
} // namespace callboard::test
