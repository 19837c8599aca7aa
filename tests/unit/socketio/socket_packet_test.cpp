#include "transport/socketio/socket_packet.hpp"

#include <gtest/gtest.h>

using namespace callboard::socket_io;

namespace {

using verdict = assembler::verdict;

const packet_limits limits{};

} // namespace

TEST(socket_packet, what_is_written_is_read_again) {
  std::vector<std::pair<std::string, packet>> pairs{
    {"0", {packet_type::connect}},
    {R"(0{"token":"x"})",
     {packet_type::connect, 0, "/", {}, R"({"token":"x"})"}},
    {R"(0/a,{"sid":"x"})",
     {packet_type::connect, 0, "/a", {}, R"({"sid":"x"})"}},
    {"1/a,", {packet_type::disconnect, 0, "/a"}},
    {R"(2["e",1.0])", {packet_type::event, 0, "/", {}, R"(["e",1.0])"}},
    {R"(2/a,13["e"])", {packet_type::event, 0, "/a", 13, R"(["e"])"}},
    {"3/a,13[]", {packet_type::ack, 0, "/a", 13, "[]"}},
    {R"(4/a,{"message":"no"})",
     {packet_type::connect_error, 0, "/a", {}, R"({"message":"no"})"}},
    {R"(51-/a,7["e",{"_placeholder":true,"num":0}])",
     {packet_type::binary_event, 1, "/a", 7,
      R"(["e",{"_placeholder":true,"num":0}])"}},
    {R"(61-0[{"_placeholder":true,"num":0}])",
     {packet_type::binary_ack, 1, "/", 0,
      R"([{"_placeholder":true,"num":0}])"}},
  };
  for (auto& [text, x] : pairs) {
    EXPECT_EQ(decode_packet(text, limits), x) << text;
    EXPECT_EQ(encode_packet(x), text);
  }
}

TEST(socket_packet, a_namespace_without_comma_is_the_rest) {
  auto x = decode_packet("0/custom", limits);
  ASSERT_TRUE(x);
  EXPECT_EQ(x->nsp, "/custom");
}

TEST(socket_packet, what_the_reference_refuses_is_refused) {
  for (auto* text : {"",
                     "7",
                     "abc",
                     "2",
                     "2{}",
                     "2[]",
                     "2[{}]",
                     "2[null]",
                     "2[\"connect\"]",
                     "2[\"disconnecting\"]",
                     "2[\"newListener\"]",
                     "2abc[\"e\"]",
                     "2[\"e\"",
                     "2[\"e\"]x",
                     "0[]",
                     "0\"x\"",
                     "0null",
                     "1{}",
                     "3",
                     "3{}",
                     "4",
                     "4[]",
                     "41",
                     "5[\"e\"]",
                     "5-[\"e\"]",
                     "5x-[\"e\"]",
                     "51[\"e\"]",
                     "511-[\"e\"]",
                     "599999999999999999999-[\"e\"]",
                     "299999999999999999999[\"e\"]"})
    EXPECT_FALSE(decode_packet(text, limits)) << text;
}

TEST(socket_packet, placeholders_must_name_attachments_that_come) {
  auto event = [](std::string num) {
    return decode_packet(R"(51-["e",{"a":[{"_placeholder":true,"num":)" + num
                           + "}]}]",
                         limits)
      .has_value();
  };
  EXPECT_TRUE(event("0"));
  for (auto* num : {"1", "-1", "0.5", "\"0\"", "null"})
    EXPECT_FALSE(event(num)) << num;
  EXPECT_TRUE(decode_packet(R"(2["e",{"_placeholder":true,"num":9}])", limits))
    << "without attachments it is data as any other";
}

TEST(socket_packet, limits_hold) {
  packet_limits tight{2, 4, 5, 3};
  EXPECT_TRUE(decode_packet("52-[\"e\"]", tight));
  EXPECT_FALSE(decode_packet("53-[\"e\"]", tight));
  EXPECT_TRUE(decode_packet("0/abcd", tight));
  EXPECT_FALSE(decode_packet("0/abcde", tight));
  EXPECT_TRUE(decode_packet("2[\"e\",[[1]]]", tight));
  EXPECT_FALSE(decode_packet("2[\"e\",[[[1]]]]", tight));
}

TEST(socket_packet, attachments_are_put_to_their_packet) {
  assembler parts{limits};
  message x;
  EXPECT_EQ(parts.feed("2[\"e\"]", false, x), verdict::complete);
  EXPECT_EQ(parts.feed("52-[\"e\"]", false, x), verdict::incomplete);
  EXPECT_EQ(parts.feed("ab", true, x), verdict::incomplete);
  EXPECT_EQ(parts.feed("", true, x), verdict::complete);
  EXPECT_EQ(x.head.attachments, 2u);
  EXPECT_EQ(x.attachments, (std::vector<std::string>{"ab", ""}));
  EXPECT_EQ(parts.feed("50-[\"e\"]", false, x), verdict::complete);
}

TEST(socket_packet, attachments_out_of_place_are_refused) {
  message x;
  EXPECT_EQ(assembler{limits}.feed("ab", true, x), verdict::invalid);
  assembler parts{limits};
  parts.feed("51-[\"e\"]", false, x);
  EXPECT_EQ(parts.feed("2[\"e\"]", false, x), verdict::invalid);
  assembler tight{{2, 4, 256, 64}};
  tight.feed("52-[\"e\"]", false, x);
  EXPECT_EQ(tight.feed("abcd", true, x), verdict::incomplete);
  EXPECT_EQ(tight.feed("e", true, x), verdict::invalid);
}

TEST(socket_packet, an_event_is_split_into_name_and_arguments) {
  auto x = split_event(R"([ "say \"hi\"", 1.0, {"a": [true]} , "x" ])");
  EXPECT_EQ(x.name, "say \"hi\"");
  EXPECT_EQ(x.args,
            (std::vector<std::string>{"1.0", R"({"a": [true]})", R"("x")"}));
  EXPECT_EQ(split_event("[7]").name, "7");
}
