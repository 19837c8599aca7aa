#include "actors/move_slots.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace callboard {
namespace {

TEST(move_slots, are_as_many_as_the_limit_and_come_back) {
  move_slots slots;
  auto a = slots.take(2);
  auto b = slots.take(2);
  ASSERT_TRUE(a);
  ASSERT_TRUE(b);
  EXPECT_FALSE(slots.take(2));
  EXPECT_EQ(slots.used(), 2u);
  EXPECT_EQ(slots.refused(), 1u);
  auto same = a; // one place, however many hold it
  a.reset();
  EXPECT_FALSE(slots.take(2));
  same.reset();
  EXPECT_TRUE(slots.take(2));
  EXPECT_EQ(slots.used(), 1u);
  EXPECT_EQ(slots.refused(), 2u);
}

TEST(move_slots, are_never_more_than_the_limit_from_many_threads) {
  move_slots slots;
  std::atomic<std::uint32_t> inside{0}, most{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&] {
        for (int round = 0; round < 20'000; ++round)
          if (auto slot = slots.take(2)) {
            auto now = inside.fetch_add(1) + 1;
            for (auto seen = most.load();
                 seen < now && !most.compare_exchange_weak(seen, now);)
              continue;
            inside.fetch_sub(1);
          }
      });
  }
  EXPECT_LE(most.load(), 2u);
  EXPECT_EQ(slots.used(), 0u);
}

} // namespace
} // namespace callboard
