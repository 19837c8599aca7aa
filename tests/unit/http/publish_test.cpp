#include "tests/unit/http/http_fixture.hpp"

namespace callboard::test {

namespace {

const std::string events = "/v1/projects/p1/events";

std::string event(const std::string& id,
                  const std::string& status = "running") {
  return R"({"type":"workflow:execution:updated","id":")" + id
         + R"(","data":{"execution_id":"e1","changes":{"status":")" + status
         + R"("}}})";
}

class publishing : public http_test {
protected:
  void SetUp() override {
    start();
  }
};

} // namespace

TEST_F(publishing, one_event_gets_its_number) {
  auto reply = ask("POST", events, event("a"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, R"({"accepted":1,"results":[{"id":"a","seq":1}]})");
  EXPECT_EQ(reply.header("content-type"), "application/json");
  EXPECT_FALSE(reply.header("x-request-id").empty());
}

TEST_F(publishing, one_bad_event_of_an_array_does_not_stop_the_others) {
  auto reply = ask("POST", events,
                   "[" + event("a") + "," + event("b", "flying") + ",7,"
                     + event("c") + "]");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.member("accepted"), "2");
  auto body = json::document::parse(reply.body);
  auto results = body->root().find("results");
  ASSERT_EQ(results->size(), 4u);
  auto at = results->items().begin();
  EXPECT_EQ((*at).raw(), R"({"id":"a","seq":1})");
  ++at;
  EXPECT_EQ((*at).find("id")->string(), "b");
  EXPECT_EQ((*at).find("error")->find("code")->string(), "invalid");
  EXPECT_EQ((*at).find("error")->find("pointer")->string(),
            "/data/changes/status");
  ++at;
  EXPECT_TRUE((*at).find("error"));
  ++at;
  EXPECT_EQ((*at).raw(), R"({"id":"c","seq":2})");
}

TEST_F(publishing, a_single_bad_event_answers_with_its_status) {
  auto bad = ask("POST", events, event("b", "flying"));
  EXPECT_EQ(bad.status, 400);
  EXPECT_EQ(bad.header("content-type"), "application/problem+json");
  EXPECT_EQ(bad.member("pointer"), "/data/changes/status");
  auto conflict = ask("POST", events, R"({"type":"test:conflict","data":{}})");
  EXPECT_EQ(conflict.status, 409);
  EXPECT_EQ(conflict.member("code"), "conflict");
  EXPECT_EQ(conflict.member("status"), "409");
}

TEST_F(publishing, each_line_of_ndjson_is_an_event) {
  auto reply
    = ask("POST", events, event("a") + "\n\n{bad\n" + event("c") + "\r\n",
          "Content-Type: Application/X-NDJSON; charset=utf-8\r\n");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.member("accepted"), "2");
  EXPECT_NE(reply.body.find("line 3"), std::string::npos) << reply.body;
}

TEST_F(publishing, an_ephemeral_event_is_accepted_without_a_number) {
  auto reply = ask("POST", events,
                   R"({"type":"a:b","id":"x","ephemeral":true,"data":{}})");
  EXPECT_EQ(reply.body, R"({"accepted":1,"results":[{"id":"x"}]})");
}

TEST_F(publishing, an_empty_array_is_answered_without_the_engine) {
  auto reply = ask("POST", events, "[]");
  EXPECT_EQ(reply.body, R"({"accepted":0,"results":[]})");
  EXPECT_EQ(engine_.publish_calls(), 0u);
}

TEST_F(publishing, a_malformed_body_is_refused_as_a_whole_with_its_offset) {
  auto reply = ask("POST", events, "[" + event("a") + ",}");
  EXPECT_EQ(reply.status, 400);
  EXPECT_NE(reply.member("detail").find(std::to_string(event("a").size() + 2)),
            std::string::npos)
    << reply.body;
  EXPECT_EQ(engine_.publish_calls(), 0u);
  EXPECT_EQ(ask("POST", events, "").status, 400);
  EXPECT_EQ(ask("POST", events, "7").status, 400);
}

TEST_F(publishing, other_content_types_are_read_as_json) {
  for (auto type : {"application/x-www-form-urlencoded", "text/plain"}) {
    auto reply = ask("POST", events, event("a"),
                     std::string{"Content-Type: "} + type + "\r\n");
    EXPECT_EQ(reply.status, 200) << type;
  }
}

TEST_F(publishing, a_request_holds_a_limited_number_of_events) {
  server_->stop();
  auto conf = default_settings();
  conf.limits.events_per_request = 2;
  start(conf);
  auto three = "[" + event("a") + "," + event("b") + "," + event("c") + "]";
  auto reply = ask("POST", events, three);
  EXPECT_EQ(reply.status, 413);
  EXPECT_EQ(reply.member("code"), "too_large");
  EXPECT_EQ(engine_.publish_calls(), 0u);
}

} // namespace callboard::test
