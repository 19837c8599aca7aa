#include "cli/bench_events.hpp"
#include "cli/bench_viewer.hpp"
#include "cli/latency_record.hpp"

#include <gtest/gtest.h>

namespace callboard {

TEST(latency_record, percentiles_are_right_within_two_percent) {
  latency_record x;
  for (std::int64_t us = 1; us <= 100'000; ++us)
    x.add(us * 1000);
  EXPECT_EQ(x.count(), 100'000u);
  EXPECT_NEAR(x.percentile_ms(0.5), 50, 1);
  EXPECT_NEAR(x.percentile_ms(0.99), 99, 2);
  EXPECT_DOUBLE_EQ(x.percentile_ms(1), 100);
  EXPECT_DOUBLE_EQ(x.max_ms(), 100);
}

TEST(latency_record, small_and_huge_durations_have_their_places) {
  latency_record x;
  EXPECT_EQ(x.percentile_ms(0.5), 0);
  x.add(-5);
  x.add(63'000);
  x.add(64'000);
  x.add(65'000);
  EXPECT_DOUBLE_EQ(x.percentile_ms(0.5), 0.063);
  EXPECT_DOUBLE_EQ(x.percentile_ms(0.75), 0.064);
  x.add(std::int64_t{20} * 3600 * 1'000'000'000);
  EXPECT_DOUBLE_EQ(x.percentile_ms(1), x.max_ms());
}

TEST(publish_frame, fills_in_reference_ids_and_times_of_fixed_width) {
  publish_frame frame{"p", "r", "abcdefgh", 300, 2};
  const std::string first{frame.fill(1, 10, 0x1234)};
  const std::string second{frame.fill(2, 12, 0x1235)};
  EXPECT_EQ(first.size(), second.size());
  EXPECT_EQ(hex_field(first, "\"ref\""), 1u);
  EXPECT_EQ(hex_field(second, "\"due\""), 0x1235u);
  EXPECT_EQ(occurrences(second, "\"due\""), 2u);
  EXPECT_NE(second.find("abcdefgh-000000000000000c"), std::string::npos);
  EXPECT_NE(second.find("abcdefgh-000000000000000d"), std::string::npos);
}

TEST(subscribed_head, is_the_number_of_the_answer) {
  EXPECT_EQ(*subscribed_head(
              R"({"type":"subscribed","room":"project:p","seq":41,"epoch":1})"),
            41u);
  EXPECT_FALSE(subscribed_head(R"({"type":"error","code":"forbidden"})"));
}

} // namespace callboard
