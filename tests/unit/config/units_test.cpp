#include "config/units.hpp"

#include <gtest/gtest.h>

namespace callboard {

using std::chrono::milliseconds;

TEST(units, sizes_are_bytes_or_have_a_binary_or_decimal_unit) {
  EXPECT_EQ(parse_size("0"), 0u);
  EXPECT_EQ(parse_size("4096"), 4096u);
  EXPECT_EQ(parse_size("64MiB"), 64u << 20);
  EXPECT_EQ(parse_size("64 MiB"), 64u << 20);
  EXPECT_EQ(parse_size("2kB"), 2000u);
}

TEST(units, what_is_not_a_size_is_refused) {
  for (const auto* text : {"", "-1", "1.5MiB", "64mib", "MiB", "1XB", "1 2",
                           "9223372036854775808", "9007199254740992TiB"})
    EXPECT_FALSE(parse_size(text)) << text;
}

TEST(units, durations_need_a_unit_unless_zero) {
  EXPECT_EQ(parse_duration("0"), milliseconds{0});
  EXPECT_EQ(parse_duration("500ms"), milliseconds{500});
  EXPECT_EQ(parse_duration("30s"), milliseconds{30'000});
  EXPECT_EQ(parse_duration("2d"), milliseconds{172'800'000});
  EXPECT_FALSE(parse_duration("30"));
  EXPECT_FALSE(parse_duration("30sec"));
}

TEST(units, values_are_shown_as_they_would_be_read_back) {
  for (const std::uint64_t x : {0ull, 1ull, 1000ull, 1024ull, 65536ull,
                                (1ull << 20) + 1024, 3ull << 30, 5ull << 40})
    EXPECT_EQ(parse_size(format_size(x)), x) << format_size(x);
  for (const auto x : {0, 1, 999, 1000, 90'000, 3'600'000, 86'400'001})
    EXPECT_EQ(parse_duration(format_duration(milliseconds{x})),
              milliseconds{x});
  EXPECT_EQ(format_size(64u << 20), "64MiB");
  EXPECT_EQ(format_size(1000), "1000");
  EXPECT_EQ(format_duration(milliseconds{60'000}), "1m");
}

} // namespace callboard
