#include "transport/outbound_queue.hpp"
#include "transport/viewer.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>

namespace callboard {
namespace {

std::string bytes(std::initializer_list<unsigned> xs) {
  std::string s;
  for (auto x : xs)
    s += static_cast<char>(x);
  return s;
}

std::string all_of(const outbound_queue& x) {
  std::array<std::string_view, 64> pieces;
  std::string text;
  auto n = x.gather(pieces, 1u << 30);
  for (std::size_t i = 0; i < n; ++i)
    text += pieces[i];
  return text;
}

TEST(frame_header, has_the_shortest_form_for_every_size) {
  EXPECT_EQ(text_frame_header(0).view(), bytes({0x81, 0}));
  EXPECT_EQ(text_frame_header(125).view(), bytes({0x81, 125}));
  EXPECT_EQ(text_frame_header(126).view(), bytes({0x81, 126, 0, 126}));
  EXPECT_EQ(text_frame_header(65535).view(), bytes({0x81, 126, 0xff, 0xff}));
  EXPECT_EQ(text_frame_header(65536).view(),
            bytes({0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0}));
}

TEST(outbound_frame, is_freed_with_its_last_owner) {
  auto text = std::make_shared<const std::string>("hello");
  std::weak_ptr<const std::string> watch = text;
  auto a = outbound_frame::text(std::move(text));
  auto b = a;
  a = {};
  EXPECT_FALSE(watch.expired());
  b = {};
  EXPECT_TRUE(watch.expired());
}

TEST(outbound_queue, gives_the_bytes_in_order_however_they_are_taken) {
  std::mt19937 random{7};
  subscription owner;
  for (int round = 0; round < 50; ++round) {
    outbound_queue queue{1u << 20};
    std::string sent, received;
    while (sent.size() < 20'000) {
      std::string text(random() % 300, static_cast<char>('a' + random() % 26));
      auto frame = outbound_frame::text(text);
      sent += std::string{frame->header()} + text;
      if (random() % 2 == 0)
        queue.push_reply(frame);
      else
        queue.push_event(frame, owner, {1});
      if (random() % 3 == 0)
        continue;
      std::array<std::string_view, 6> pieces;
      auto n = queue.gather(pieces, 1 + random() % 500);
      std::string offered;
      for (std::size_t i = 0; i < n; ++i)
        offered += pieces[i];
      auto taken = random() % (offered.size() + 1);
      received += offered.substr(0, taken);
      queue.consume(taken);
    }
    while (!queue.empty()) {
      auto rest = all_of(queue);
      received += rest;
      queue.consume(rest.size());
    }
    ASSERT_EQ(sent, received);
    EXPECT_EQ(queue.bytes(), 0u);
  }
}

TEST(outbound_queue, drops_events_but_no_replies_and_not_what_has_begun) {
  subscription a, b;
  outbound_queue queue{1u << 20};
  auto frame
    = [](const char* x) { return outbound_frame::text(std::string{x}); };
  queue.push_event(frame("one"), a, {1});
  queue.push_reply(frame("reply"));
  queue.push_event(frame("two"), a, {2});
  queue.push_event(frame("other"), b, {9});
  queue.consume(1); // the first byte of "one" is on the wire
  std::vector<std::pair<subscription*, std::uint64_t>> dropped;
  queue.drop_events([&dropped](subscription& x, event_seq seq) {
    dropped.emplace_back(&x, seq.value);
  });
  EXPECT_EQ(dropped, (std::vector<std::pair<subscription*, std::uint64_t>>{
                       {&a, 2}, {&b, 9}}));
  EXPECT_EQ(all_of(queue), bytes({3}) + "one" + bytes({0x81, 5}) + "reply");
  EXPECT_EQ(queue.event_bytes(), 5u);
}

TEST(outbound_queue, lets_a_single_event_through_however_large) {
  subscription a;
  outbound_queue queue{100};
  queue.push_event(outbound_frame::text(std::string(1000, 'x')), a, {1});
  EXPECT_FALSE(queue.over_limit());
  queue.push_event(outbound_frame::text(std::string(10, 'x')), a, {2});
  EXPECT_TRUE(queue.over_limit());
}

TEST(outbound_queue, counts_what_a_gone_subscription_left_as_replies) {
  subscription a;
  outbound_queue queue{100};
  queue.push_event(outbound_frame::text(std::string(10, 'x')), a, {1});
  queue.detach(a);
  EXPECT_EQ(queue.event_bytes(), 0u);
  EXPECT_EQ(queue.reply_bytes(), 12u);
  queue.drop_events([](subscription&, event_seq) { FAIL(); });
  EXPECT_FALSE(queue.empty());
}

} // namespace
} // namespace callboard
