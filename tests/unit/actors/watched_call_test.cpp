#include "actors/watched_call.hpp"

#include <gtest/gtest.h>

#include <future>

namespace callboard {
namespace {

using namespace std::chrono_literals;

TEST(watched_call, one_that_hangs_is_told_of_once_while_it_hangs) {
  std::promise<void> told;
  const watched_call watched{10ms,
                             [&] { told.set_value(); }}; // once: or throws
  ASSERT_EQ(told.get_future().wait_for(10s), std::future_status::ready);
}

TEST(watched_call, one_that_returns_in_time_is_not_told_of_and_not_held_up) {
  bool told = false;
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 100; ++i)
    const watched_call watched{1h, [&] { told = true; }};
  EXPECT_LT(std::chrono::steady_clock::now() - began, 10s);
  EXPECT_FALSE(told);
}

TEST(watched_call, without_a_limit_nothing_is_watched) {
  const watched_call watched{0ms, [] { FAIL(); }};
}

} // namespace
} // namespace callboard
