#include "transport/socketio/engine_packet.hpp"

#include <gtest/gtest.h>

using namespace callboard::engine_io;

namespace {

constexpr std::size_t many = 100;

std::string in_payload(const std::vector<packet>& packets) {
  payload x;
  for (auto& one : packets)
    x.add(one.binary ? one.data : encode_packet(one.type, one.data),
          one.binary);
  return x.take();
}

} // namespace

TEST(engine_packet, each_type_has_its_digit) {
  EXPECT_EQ(encode_packet(packet_type::open, "{}"), "0{}");
  EXPECT_EQ(encode_packet(packet_type::close), "1");
  EXPECT_EQ(encode_packet(packet_type::ping, "probe"), "2probe");
  EXPECT_EQ(encode_packet(packet_type::pong, "probe"), "3probe");
  EXPECT_EQ(encode_packet(packet_type::message, "hello"), "4hello");
  EXPECT_EQ(encode_packet(packet_type::upgrade), "5");
  EXPECT_EQ(encode_packet(packet_type::noop), "6");
  for (char c = '0'; c <= '6'; ++c) {
    auto text = std::string(1, c) + "x";
    auto read = decode_packet(text);
    ASSERT_TRUE(read);
    EXPECT_EQ(encode_packet(read->type, read->data), text);
  }
}

TEST(engine_packet, what_begins_with_no_digit_of_a_type_is_no_packet) {
  for (auto* text : {"", "7", "9x", "abc", " 4", "b"})
    EXPECT_FALSE(decode_packet(text)) << text;
}

TEST(engine_packet, a_payload_keeps_its_packets_apart) {
  auto read = decode_payload("4hello\x1e"
                             "4\x1e"
                             "2\x1e"
                             "bAQIDBA==",
                             many);
  ASSERT_TRUE(read);
  std::vector<packet> expected{{packet_type::message, false, "hello"},
                               {packet_type::message, false, ""},
                               {packet_type::ping, false, ""},
                               {packet_type::message, true, "\1\2\3\4"}};
  EXPECT_EQ(*read, expected);
  EXPECT_EQ(in_payload(expected), "4hello\x1e"
                                  "4\x1e"
                                  "2\x1e"
                                  "bAQIDBA==");
}

TEST(engine_packet, a_payload_with_anything_else_is_refused_whole) {
  for (auto* text : {"", "abc", "4a\x1e",
                     "\x1e"
                     "4a",
                     "4a\x1e\x1e"
                     "4b",
                     "bA", "b@@@@", "bAQI\nBA=="})
    EXPECT_FALSE(decode_payload(text, many)) << text;
}

TEST(engine_packet, a_payload_may_hold_only_so_many_packets) {
  EXPECT_TRUE(decode_payload("2\x1e"
                             "2\x1e"
                             "2",
                             3));
  EXPECT_FALSE(decode_payload("2\x1e"
                              "2\x1e"
                              "2\x1e"
                              "2",
                              3));
}

TEST(engine_packet, base64_returns_what_it_was_given) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
    EXPECT_EQ(from_base64url(to_base64url(bytes)), bytes);
    bytes += static_cast<char>(i * 7);
  }
  EXPECT_EQ(to_base64("\1\2\3\4"), "AQIDBA==");
  EXPECT_EQ(from_base64("AQIDBA"), "\1\2\3\4") << "padding may be missing";
  EXPECT_FALSE(from_base64("A"));
  EXPECT_FALSE(from_base64("====="));
  EXPECT_FALSE(from_base64("A=BC"));
  EXPECT_FALSE(from_base64url("+/=="));
}
