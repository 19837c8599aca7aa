#include "transport/signalr/conversation.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace callboard::signalr {

namespace {

using namespace std::chrono_literals;
using strings = std::vector<std::string>;

const std::string json_1 = "{\"protocol\":\"json\",\"version\":1}\x1e";
const std::string json_2 = "{\"protocol\":\"json\",\"version\":2}\x1e";

std::string call(std::string_view target) {
  return R"({"type":1,"target":")" + std::string{target}
         + "\",\"arguments\":[]}\x1e";
}

class conversation_test : public testing::Test, public conversation_events {
public:
  void say(std::string record) override {
    said.push_back(std::move(record));
  }
  void invoked(const hub_message& x) override {
    calls.push_back(x.target);
  }
  void acknowledged() override {
    ++acknowledgements;
  }
  void over(farewell why) override {
    ends.push_back(std::move(why));
  }

protected:
  conversation& begin(bool stateful = false) {
    conversation::limits limit;
    limit.message_bytes = 200;
    limit.stateful = stateful;
    talk.emplace(limit, *this, now);
    talk->connected(now);
    return *talk;
  }

  void open(const std::string& handshake, bool stateful = false) {
    begin(stateful).feed(handshake, now);
    ASSERT_EQ(said, (strings{"{}\x1e"}));
    said.clear();
  }

  void feed(const std::string& text) {
    talk->feed(text, now);
  }

  void pass(std::chrono::milliseconds x) {
    now += x;
    talk->tick(now, polling);
  }

  conversation::clock::time_point now{1h};
  bool polling = false;
  std::optional<conversation> talk;
  strings said, calls;
  int acknowledgements = 0;
  std::vector<farewell> ends;
};

} // namespace

TEST_F(conversation_test, begins_with_a_handshake_and_goes_on_with_calls) {
  begin();
  feed(json_1 + call("A") + call("B"));
  EXPECT_EQ(said, (strings{"{}\x1e"}));
  EXPECT_EQ(calls, (strings{"A", "B"}));
  EXPECT_TRUE(talk->is_open());
}

TEST_F(conversation_test, takes_a_handshake_byte_by_byte) {
  begin();
  for (auto x : json_1)
    feed({x});
  EXPECT_TRUE(talk->is_open());
}

TEST_F(conversation_test, a_refused_handshake_is_answered_and_ends) {
  begin();
  feed("{\"protocol\":\"messagepack\",\"version\":1}\x1e" + call("A"));
  EXPECT_EQ(
    said, (strings{R"({"error":"The protocol 'messagepack' is not supported."})"
                   "\x1e"}));
  EXPECT_EQ(ends.size(), 1u);
  EXPECT_TRUE(calls.empty());
  EXPECT_FALSE(talk->was_open());
}

TEST_F(conversation_test, a_handshake_that_does_not_come_ends) {
  begin();
  pass(14s);
  EXPECT_TRUE(ends.empty());
  pass(1s);
  EXPECT_EQ(said.size(), 1u);
  EXPECT_EQ(ends.size(), 1u);
}

TEST_F(conversation_test, pings_after_silence_of_its_own) {
  open(json_1);
  pass(14s);
  EXPECT_TRUE(said.empty());
  talk->sent(now);
  pass(14s);
  EXPECT_TRUE(said.empty());
  feed("{\"type\":6}\x1e");
  pass(1s);
  EXPECT_EQ(said, (strings{ping()}));
}

TEST_F(conversation_test, a_silent_client_is_given_up_and_may_come_again) {
  open(json_1);
  pass(29s);
  EXPECT_TRUE(ends.empty());
  feed("{\"type\":6}\x1e");
  pass(29s);
  EXPECT_TRUE(ends.empty());
  pass(1s);
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_TRUE(ends[0].allow_reconnect);
}

TEST_F(conversation_test, polling_needs_no_pings) {
  open(json_1);
  polling = true;
  pass(1h);
  EXPECT_TRUE(said.empty());
  EXPECT_TRUE(ends.empty());
}

TEST_F(conversation_test, ignores_what_no_method_needs_and_what_is_unknown) {
  open(json_1);
  feed("{\"type\":2,\"invocationId\":\"1\",\"item\":1}\x1e"
       "{\"type\":3,\"invocationId\":\"1\"}\x1e"
       "{\"type\":5,\"invocationId\":\"1\"}\x1e"
       "{\"type\":6}\x1e"
       "{\"type\":8,\"sequenceId\":1}\x1e"
       "{\"type\":9,\"sequenceId\":1}\x1e"
       "{\"type\":77,\"x\":1}\x1e");
  EXPECT_TRUE(said.empty());
  EXPECT_TRUE(ends.empty());
  EXPECT_EQ(acknowledgements, 0);
}

TEST_F(conversation_test, a_protocol_error_ends_it) {
  for (auto text : {"nonsense\x1e", "{\"type\":1}\x1e", "{}\x1e"}) {
    said.clear();
    ends.clear();
    open(json_1);
    feed(text + call("A"));
    ASSERT_EQ(ends.size(), 1u) << text;
    EXPECT_FALSE(ends[0].error.empty());
    EXPECT_FALSE(ends[0].allow_reconnect);
    EXPECT_TRUE(calls.empty());
  }
}

TEST_F(conversation_test, a_message_over_the_limit_ends_it) {
  open(json_1);
  feed(std::string(201, ' '));
  EXPECT_EQ(ends.size(), 1u);
}

TEST_F(conversation_test, the_clients_close_ends_it_without_error) {
  open(json_1);
  feed("{\"type\":7}\x1e" + call("A"));
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_TRUE(ends[0].error.empty());
  EXPECT_TRUE(calls.empty());
}

TEST_F(conversation_test, ends_once) {
  open(json_1);
  talk->end({"x", true});
  talk->end({"y", true});
  EXPECT_EQ(ends.size(), 1u);
}

TEST_F(conversation_test, is_stateful_only_from_version_2_and_if_negotiated) {
  open(json_1, true);
  EXPECT_EQ(talk->buffer(), nullptr);
  open(json_2, false);
  EXPECT_EQ(talk->buffer(), nullptr);
  open(json_2, true);
  EXPECT_NE(talk->buffer(), nullptr);
}

TEST_F(conversation_test, goes_on_over_another_connection) {
  open(json_2, true);
  talk->buffer()->add(outbound_frame::text(std::string{"one"}));
  talk->buffer()->add(outbound_frame::text(std::string{"two"}));
  feed(call("A") + "{\"type\":8,\"sequenceId\":1}\x1e");
  EXPECT_EQ(acknowledgements, 1);
  feed(R"({"type":1,"target":"half)");
  talk->disconnected();
  pass(1h); // whoever keeps it decides how long
  EXPECT_TRUE(said.empty());
  talk->connected(now);
  EXPECT_EQ(said, (strings{sequence(2)}));
  feed(call("not yet"));
  feed(sequence(1) + call("A") + call("B"));
  EXPECT_EQ(calls, (strings{"A", "B"}));
  said.clear();
  pass(1s);
  EXPECT_EQ(said, (strings{ack(2)}));
}

TEST_F(conversation_test, a_gap_after_a_reconnect_ends_it) {
  open(json_2, true);
  talk->disconnected();
  talk->connected(now);
  feed(sequence(5));
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_TRUE(ends[0].allow_reconnect);
}

} // namespace callboard::signalr
