#include "transport/signalr/hub_protocol.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace callboard::signalr {

namespace {

using testing::Test;

result<hub_message> read(json::document& doc, std::string_view text) {
  return read_message(doc, text, {});
}

/// Feeds the pieces and takes what is whole after each.
std::vector<std::string> records_of(const std::vector<std::string>& pieces,
                                    std::size_t most = 100) {
  record_reader reader{most};
  std::vector<std::string> all;
  for (auto& piece : pieces) {
    reader.feed(piece);
    for (;;) {
      auto x = reader.next();
      if (!x) {
        all.push_back("refused: " + x.error().detail);
        return all;
      }
      if (!*x)
        break;
      all.emplace_back(**x);
    }
  }
  return all;
}

using strings = std::vector<std::string>;

} // namespace

TEST(hub_protocol, an_invocation_has_target_arguments_and_id) {
  json::document doc;
  auto x = read(doc, R"({"type":1,"headers":{"a":"b"},"invocationId":"7",)"
                     R"("target":"Go","arguments":[42,"x"]})");
  ASSERT_TRUE(x) << x.error().detail;
  EXPECT_EQ(x->type, message_type::invocation);
  EXPECT_EQ(x->invocation_id, "7");
  EXPECT_EQ(x->target, "Go");
  ASSERT_TRUE(x->arguments);
  EXPECT_EQ(x->arguments->raw(), R"([42,"x"])");
  EXPECT_FALSE(x->has_streams);
}

TEST(hub_protocol, an_invocation_without_id_wants_no_answer) {
  json::document doc;
  for (auto text : {R"({"type":1,"target":"Go","arguments":[]})",
                    R"({"type":1,"invocationId":null,"target":"Go"})"}) {
    auto x = read(doc, text);
    ASSERT_TRUE(x) << text;
    EXPECT_TRUE(x->invocation_id.empty());
  }
}

TEST(hub_protocol, arguments_that_are_no_array_are_the_invocations_failure) {
  json::document doc;
  auto x = read(doc, R"({"type":1,"target":"Go","arguments":{"a":1}})");
  ASSERT_TRUE(x);
  EXPECT_FALSE(x->arguments);
}

TEST(hub_protocol, streams_to_upload_are_seen) {
  json::document doc;
  auto x = read(doc, R"({"type":1,"target":"Go","streamIds":["1"]})");
  ASSERT_TRUE(x);
  EXPECT_TRUE(x->has_streams);
}

TEST(hub_protocol, acks_and_sequences_have_numbers) {
  json::document doc;
  auto x = read(doc, R"({"type":8,"sequenceId":1394})");
  ASSERT_TRUE(x);
  EXPECT_EQ(x->type, message_type::ack);
  EXPECT_EQ(x->sequence_id, 1394u);
  EXPECT_FALSE(read(doc, R"({"type":9})"));
  EXPECT_FALSE(read(doc, R"({"type":9,"sequenceId":-1})"));
  EXPECT_FALSE(read(doc, R"({"type":9,"sequenceId":"1"})"));
}

TEST(hub_protocol, types_of_later_versions_are_unknown_and_no_error) {
  json::document doc;
  for (auto text : {R"({"type":10})", R"({"type":0})", R"({"type":-3})",
                    R"({"type":1000000000000})"}) {
    auto x = read(doc, text);
    ASSERT_TRUE(x) << text;
    EXPECT_EQ(x->type, message_type::unknown);
  }
}

TEST(hub_protocol, what_is_no_message_is_refused) {
  json::document doc;
  for (auto text :
       {"", "{", "[]", "null", "{}", R"({"type":"1"})", R"({"type":1.5})",
        R"({"type":1})", R"({"type":1,"target":""})",
        R"({"type":1,"target":5,"arguments":[]})",
        R"({"type":1,"invocationId":5,"target":"Go","arguments":[]})",
        R"({"type":1,"invocationId":"","target":"Go","arguments":[]})",
        R"({"type":4,"target":"Go","arguments":[]})", R"({"type":2,"item":1})",
        R"({"type":3,"result":1})", R"({"type":5})"})
    EXPECT_FALSE(read(doc, text)) << text;
}

TEST(hub_protocol, a_handshake_for_json_is_accepted) {
  for (auto text : {R"({"protocol":"json","version":1})",
                    R"({"protocol":"json","version":2})",
                    R"({"version":1,"extra":{},"protocol":"json"})"})
    EXPECT_TRUE(read_handshake(text)) << text;
}

TEST(hub_protocol, other_handshakes_are_refused_with_words_for_the_client) {
  auto why = [](std::string_view text) {
    auto x = read_handshake(text);
    return x ? std::string{"accepted"} : x.error().detail;
  };
  EXPECT_EQ(why(R"({"protocol":"messagepack","version":1})"),
            "The protocol 'messagepack' is not supported.");
  EXPECT_EQ(why(R"({"protocol":"json","version":3})"),
            "The server does not support version 3 of the 'json' protocol.");
  EXPECT_EQ(
    why(R"({"protocol":")" + std::string(999, 'x') + R"(","version":1})"),
    "The protocol is not supported.");
  for (auto text :
       {"", "{}", "[]", "nonsense", R"({"protocol":"json"})",
        R"({"type":1,"target":"Go"})", R"({"protocol":1,"version":1})"})
    EXPECT_NE(why(text), "accepted") << text;
}

TEST(hub_protocol, records_may_be_split_and_batched) {
  EXPECT_EQ(records_of({"ab\x1e"}), (strings{"ab"}));
  EXPECT_EQ(records_of({"a", "b", "\x1e"}), (strings{"ab"}));
  EXPECT_EQ(records_of({"ab\x1e"
                        "cd\x1e"
                        "e",
                        "f\x1e"}),
            (strings{"ab", "cd", "ef"}));
  EXPECT_EQ(records_of({"\x1e\x1e"}), (strings{"", ""}));
  EXPECT_EQ(records_of({"", "a", ""}), strings{});
}

TEST(hub_protocol, records_that_were_not_taken_are_kept) {
  record_reader reader{100};
  reader.feed("a\x1e"
              "b\x1e"
              "c");
  EXPECT_EQ(**reader.next(), "a");
  reader.feed("d\x1e");
  EXPECT_EQ(**reader.next(), "b");
  EXPECT_EQ(**reader.next(), "cd");
  EXPECT_EQ(*reader.next(), std::nullopt);
  EXPECT_EQ(reader.pending(), 0u);
}

TEST(hub_protocol, a_record_may_be_as_long_as_the_limit_and_no_longer) {
  EXPECT_EQ(records_of({"12345\x1e"}, 5), (strings{"12345"}));
  EXPECT_EQ(records_of({"123", "45\x1e"}, 5), (strings{"12345"}));
  EXPECT_EQ(records_of({"123456"}, 5).back().substr(0, 7), "refused");
  EXPECT_EQ(records_of({"1\x1e", "123456\x1e"}, 5).back().substr(0, 7),
            "refused");
}

TEST(hub_protocol, what_the_server_says_is_json_and_a_separator) {
  EXPECT_EQ(handshake_response({}), "{}\x1e");
  EXPECT_EQ(handshake_response("no \"x\""), "{\"error\":\"no \\\"x\\\"\"}\x1e");
  EXPECT_EQ(completion("1", "null"),
            R"({"type":3,"invocationId":"1","result":null})"
            "\x1e");
  EXPECT_EQ(failed_completion("1\n", "why"),
            R"({"type":3,"invocationId":"1\n","error":"why"})"
            "\x1e");
  EXPECT_EQ(ping(), "{\"type\":6}\x1e");
  EXPECT_EQ(close({}, false), "{\"type\":7}\x1e");
  EXPECT_EQ(close("bye", true),
            R"({"type":7,"error":"bye","allowReconnect":true})"
            "\x1e");
  EXPECT_EQ(ack(3), "{\"type\":8,\"sequenceId\":3}\x1e");
  EXPECT_EQ(sequence(4), "{\"type\":9,\"sequenceId\":4}\x1e");
}

} // namespace callboard::signalr
