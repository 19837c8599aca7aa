#include "actors/model/event.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <thread>
#include <vector>

namespace callboard {
namespace {

TEST(time_test, milliseconds_become_the_contracts_spelling) {
  EXPECT_EQ(iso8601(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(iso8601(1'767'323'045'678), "2026-01-02T03:04:05.678Z");
  EXPECT_EQ(iso8601(951'782'400'000), "2000-02-29T00:00:00.000Z");
  EXPECT_EQ(iso8601(-1), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(iso8601(INT64_MAX), "9999-12-31T23:59:59.999Z");
  EXPECT_EQ(iso8601(INT64_MIN), "0000-01-01T00:00:00.000Z");
}

TEST(time_test, offsets_and_fractions_are_understood) {
  const std::int64_t t = 1'767'323'045'678;
  for (const auto* text :
       {"2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.678999Z",
        "2026-01-02T04:04:05.678+01:00", "2026-01-01T21:34:05.678-05:30",
        "2026-01-02t03:04:05.678z"})
    EXPECT_EQ(parse_iso8601(text), t) << text;
  EXPECT_EQ(parse_iso8601("2026-01-02T03:04:05Z"), t - 678);
  EXPECT_EQ(parse_iso8601("2026-01-02T03:04:05.6Z"), t - 78);
  EXPECT_EQ(parse_iso8601("2016-12-31T23:59:60Z"),
            parse_iso8601("2017-01-01T00:00:00Z"));
}

TEST(time_test, what_is_no_time_is_refused) {
  for (const auto* text :
       {"", "now", "2026-01-02", "2026-01-02T03:04:05", "2026-13-02T03:04:05Z",
        "2026-02-29T03:04:05Z", "2026-01-02T24:00:00Z", "2026-01-02T03:60:00Z",
        "2026-01-02T03:04:61Z", "2026-01-02T03:04:05.Z", "2026-01-02 03:04:05Z",
        "2026-01-02T03:04:05Z ", "2026-01-02T03:04:05+1:00",
        "+2026-01-02T03:04Z", "2026-01-02T03:04:05+24:00", "2026-1-2T03:04:05Z",
        "1767323045678"})
    EXPECT_EQ(parse_iso8601(text), std::nullopt) << text;
}

TEST(time_test, any_time_of_ten_millennia_survives_the_round_trip) {
  std::mt19937_64 random{7};
  std::uniform_int_distribution<std::int64_t> ms{-62'167'219'200'000,
                                                 253'402'300'799'999};
  for (int i = 0; i < 10'000; ++i) {
    auto t = ms(random);
    ASSERT_EQ(parse_iso8601(iso8601(t)), t) << iso8601(t);
  }
}

TEST(uuid_test, a_uuid_is_of_version_7_and_says_when_it_was_made) {
  auto id = new_uuid7();
  ASSERT_EQ(id.size(), 36u);
  EXPECT_EQ(id[14], '7');
  EXPECT_TRUE(id[19] == '8' || id[19] == '9' || id[19] == 'a' || id[19] == 'b');
  for (std::size_t i : {8u, 13u, 18u, 23u})
    EXPECT_EQ(id[i], '-');
  auto ms = std::stoll(id.substr(0, 8) + id.substr(9, 4), nullptr, 16);
  auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
               .count();
  EXPECT_LE(std::abs(ms - now), 10'000);
}

TEST(uuid_test, the_uuids_of_a_thread_increase) {
  auto last = new_uuid7();
  for (int i = 0; i < 100'000; ++i) {
    auto next = new_uuid7();
    ASSERT_LT(last, next);
    last = std::move(next);
  }
}

TEST(uuid_test, threads_make_different_uuids) {
  std::vector<std::vector<std::string>> made(4);
  std::vector<std::thread> threads;
  for (auto& ids : made)
    threads.emplace_back([&ids] {
      for (int i = 0; i < 5'000; ++i)
        ids.push_back(new_uuid7());
    });
  for (auto& t : threads)
    t.join();
  std::set<std::string> all;
  for (const auto& ids : made)
    all.insert(ids.begin(), ids.end());
  EXPECT_EQ(all.size(), 20'000u);
}

} // namespace
} // namespace callboard
