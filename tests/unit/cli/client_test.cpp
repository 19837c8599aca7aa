#include "cli/client_options.hpp"
#include "cli/event_publisher.hpp"
#include "cli/event_text.hpp"
#include "cli/exit_status.hpp"
#include "cli/http_client.hpp"
#include "cli/run_inbox.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace callboard {

using testing::HasSubstr;

TEST(exit_status, follows_from_the_problem) {
  const auto status = [](errc code) { return status_of(problem{code, {}}); };
  EXPECT_EQ(status(errc::unauthenticated), exit_status::refused);
  EXPECT_EQ(status(errc::forbidden), exit_status::refused);
  EXPECT_EQ(status(errc::conflict), exit_status::refused);
  EXPECT_EQ(status(errc::unavailable), exit_status::unreachable);
  EXPECT_EQ(status(errc::invalid), exit_status::failed);
  EXPECT_EQ(status(errc::internal), exit_status::failed);
}

TEST(endpoint, is_read_from_an_url) {
  const auto x = parse_endpoint("http://127.0.0.1:41234/");
  ASSERT_TRUE(x);
  EXPECT_EQ(x->host, "127.0.0.1");
  EXPECT_EQ(x->port, 41234);
  const auto v6 = parse_endpoint("http://[::1]:80");
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->host, "::1");
  EXPECT_EQ(v6->text(), "[::1]:80");
  EXPECT_EQ(parse_endpoint("http://node")->port, 80);
}

TEST(endpoint, other_urls_are_refused) {
  for (const auto* url : {"", "node:80", "https://x", "http://", "http://x:0",
                          "http://x:99999", "http://x/y", "ws://x"})
    EXPECT_FALSE(parse_endpoint(url)) << url;
}

TEST(endpoints, are_taken_in_turn) {
  auto x = parse_endpoints("http://a:1,http://b:2/");
  ASSERT_TRUE(x);
  EXPECT_EQ(x->current().text(), "a:1");
  x->next();
  EXPECT_EQ(x->current().text(), "b:2");
  x->next();
  EXPECT_EQ(x->current().text(), "a:1");
  EXPECT_EQ(parse_endpoints("http://a:1")->all().size(), 1u);
  for (const auto* urls : {"", ",", "http://a:1,", "http://a:1,b:2"})
    EXPECT_FALSE(parse_endpoints(urls)) << urls;
}

TEST(http_client, turns_to_the_next_node_after_one_that_does_not_answer) {
  http_client client{*parse_endpoints("http://127.0.0.1:1,http://127.0.0.2:1"),
                     {}};
  for (const auto* host : {"127.0.0.1", "127.0.0.2", "127.0.0.1"}) {
    const auto reply = client.call("GET", "/");
    ASSERT_FALSE(reply);
    EXPECT_THAT(reply.error().detail,
                HasSubstr(std::string{"http://"} + host + ":1"));
  }
}

TEST(url_encoded, keeps_plain_characters_only) {
  EXPECT_EQ(url_encoded("a-b.c_d~1"), "a-b.c_d~1");
  EXPECT_EQ(url_encoded("a:b/c d"), "a%3Ab%2Fc%20d");
}

TEST(with_id, leaves_an_id_and_adds_one_where_there_is_none) {
  EXPECT_EQ(*with_id(R"({"id":"x","n":1.0})"), R"({"id":"x","n":1.0})");
  const auto added = with_id(R"( {"n":1.0} )");
  ASSERT_TRUE(added);
  EXPECT_THAT(*added, testing::StartsWith("{\"id\":\""));
  EXPECT_THAT(*added, testing::EndsWith(",\"n\":1.0}"));
  EXPECT_THAT(*with_id("{}"), testing::EndsWith("\"}"));
  EXPECT_FALSE(with_id("[1]"));
  EXPECT_FALSE(with_id("{"));
}

TEST(problem_of, reads_what_the_node_says) {
  const auto x
    = problem_of({409, R"({"code":"conflict","detail":"no","pointer":"/a"})",
                  std::chrono::seconds{2}});
  EXPECT_EQ(x.code, errc::conflict);
  EXPECT_EQ(x.detail, "no");
  EXPECT_EQ(x.pointer, "/a");
  EXPECT_EQ(x.retry_after, std::chrono::seconds{2});
  EXPECT_EQ(problem_of({502, "<html>", {}}).code, errc::internal);
}

TEST(message_in, commands_and_answers_are_found_among_events) {
  using kind = run_inbox::message::kind;
  const auto frame = [](const std::string& event) {
    return R"({"seq":4,"type":"workflow:execution:event:created","data":{"execution_id":"r1","event":)"
           + event + "}}";
  };
  const auto pause
    = message_in(frame(R"({"kind":"command","command":"pause"})"), "r1");
  ASSERT_TRUE(pause);
  EXPECT_EQ(pause->what, kind::pause);
  const auto input = message_in(
    frame(R"({"kind":"input_response","step_id":"s","value":"yes"})"), "r1");
  ASSERT_TRUE(input);
  EXPECT_EQ(input->what, kind::input);
  EXPECT_EQ(input->step, "s");
  EXPECT_EQ(input->value, "yes");
  EXPECT_EQ(
    message_in(frame(R"({"kind":"input_response","step_id":"s","value":1.0})"),
               "r1")
      ->value,
    "1.0");
}

TEST(message_in, a_log_line_that_looks_like_a_command_is_none) {
  const auto log
    = R"({"data":{"execution_id":"r1","event":{"kind":"log","message":"\"command\"","command":"cancel"}}})";
  EXPECT_FALSE(message_in(log, "r1"));
  const auto other
    = R"({"data":{"execution_id":"r2","event":{"kind":"command","command":"cancel"}}})";
  EXPECT_FALSE(message_in(other, "r1"));
}

TEST(event_text, an_event_is_one_line_safe_for_a_terminal) {
  const auto x = summarize(
    R"({"seq":41,"type":"workflow:execution:event:created","room":"project:p","id":"i","ts":"2026-01-02T03:04:05.678Z","data":{"execution_id":"r1","event":{"kind":"log","level":"info","message":"a\u001b[2Jb\nc"}}})");
  ASSERT_TRUE(x);
  EXPECT_EQ(x->seq, 41u);
  const auto line = event_line(*x, false);
  EXPECT_THAT(line, HasSubstr("03:04:05.678"));
  EXPECT_THAT(line, HasSubstr("#41"));
  EXPECT_THAT(line, HasSubstr("info a [2Jb c"));
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
}

TEST(event_text, a_status_change_is_recognized) {
  const auto x = summarize(
    R"({"type":"workflow:execution:updated","data":{"execution_id":"r","changes":{"status":"completed"}}})");
  ASSERT_TRUE(x);
  EXPECT_EQ(x->status, "completed");
  EXPECT_FALSE(x->seq);
  EXPECT_FALSE(summarize("no json"));
  EXPECT_FALSE(summarize("[]"));
}

} // namespace callboard
