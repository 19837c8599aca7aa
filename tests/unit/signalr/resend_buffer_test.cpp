#include "transport/signalr/resend_buffer.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace callboard::signalr {

namespace {

using strings = std::vector<std::string>;

strings kept(const resend_buffer& x) {
  strings out;
  x.for_each_kept([&out](const frame_ptr& frame) {
    frame->for_each_message(
      [&out](std::string_view text, bool) { out.emplace_back(text); });
  });
  return out;
}

void add(resend_buffer& to, const strings& messages) {
  to.add(outbound_frame::texts(messages));
}

constexpr auto tracked = message_type::invocation;

} // namespace

TEST(resend_buffer, what_was_not_acknowledged_is_kept_in_order) {
  resend_buffer x{1000};
  EXPECT_EQ(x.first_kept(), 1u);
  add(x, {"a"});
  add(x, {"b"});
  add(x, {"c"});
  x.acknowledged(1);
  EXPECT_EQ(x.first_kept(), 2u);
  EXPECT_EQ(kept(x), (strings{"b", "c"}));
  x.acknowledged(3);
  EXPECT_EQ(x.first_kept(), 4u);
  EXPECT_EQ(x.bytes(), 0u);
}

TEST(resend_buffer,
     a_frame_of_several_messages_goes_when_all_are_acknowledged) {
  resend_buffer x{1000};
  add(x, {"a", "b"});
  add(x, {"c"});
  x.acknowledged(1);
  EXPECT_EQ(x.first_kept(), 1u);
  EXPECT_EQ(kept(x), (strings{"a", "b", "c"}));
  x.acknowledged(2);
  EXPECT_EQ(x.first_kept(), 3u);
}

TEST(resend_buffer, acknowledgements_of_what_is_gone_or_to_come_do_no_harm) {
  resend_buffer x{1000};
  add(x, {"a"});
  x.acknowledged(0);
  x.acknowledged(99);
  x.acknowledged(1);
  EXPECT_EQ(x.first_kept(), 2u);
  add(x, {"b"});
  EXPECT_EQ(kept(x), (strings{"b"}));
}

TEST(resend_buffer, is_full_at_its_limit_and_not_once_acknowledged) {
  resend_buffer x{100};
  add(x, {std::string(90, 'x')});
  EXPECT_FALSE(x.full());
  add(x, {std::string(90, 'x')});
  EXPECT_TRUE(x.full());
  x.acknowledged(1);
  EXPECT_FALSE(x.full());
}

TEST(resend_buffer, repetitions_after_a_reconnect_are_not_admitted) {
  resend_buffer x{1000};
  EXPECT_TRUE(x.admits(tracked)); // 1
  EXPECT_TRUE(x.admits(tracked)); // 2
  x.reconnected();
  EXPECT_FALSE(x.admits(tracked)) << "before the Sequence";
  EXPECT_FALSE(x.admits(message_type::ping));
  ASSERT_TRUE(x.admits(message_type::sequence));
  ASSERT_TRUE(x.restarted(2));
  EXPECT_FALSE(x.admits(tracked)) << "2 again";
  EXPECT_TRUE(x.admits(message_type::ping));
  EXPECT_TRUE(x.admits(tracked)) << "3";
}

TEST(resend_buffer, a_sequence_that_leaves_a_gap_is_refused) {
  resend_buffer x{1000};
  EXPECT_TRUE(x.admits(tracked));
  EXPECT_TRUE(x.restarted(2));
  EXPECT_FALSE(x.restarted(3));
  EXPECT_FALSE(x.restarted(0));
}

TEST(resend_buffer, acknowledges_what_is_new_and_again_after_a_reconnect) {
  resend_buffer x{1000};
  EXPECT_EQ(x.take_acknowledgement(), std::nullopt);
  x.admits(tracked);
  x.admits(message_type::ping);
  x.admits(tracked);
  EXPECT_EQ(x.take_acknowledgement(), 2u);
  EXPECT_EQ(x.take_acknowledgement(), std::nullopt);
  x.reconnected();
  ASSERT_TRUE(x.restarted(1));
  EXPECT_EQ(x.take_acknowledgement(), 2u);
}

} // namespace callboard::signalr
