#include "actors/model/event.hpp"
#include "actors/model/run_machine.hpp"

#include <gtest/gtest.h>

namespace callboard {
namespace {

TEST(known_ids_test, few_ids_are_known_exactly) {
  known_ids ids;
  for (int i = 0; i < 64; ++i)
    ids.add("id" + std::to_string(i));
  for (int i = 0; i < 64; ++i)
    EXPECT_TRUE(ids.maybe_contains("id" + std::to_string(i)));
  for (int i = 64; i < 10'000; ++i)
    EXPECT_FALSE(ids.maybe_contains("id" + std::to_string(i)));
  EXPECT_LE(ids.memory(), 1024u);
}

TEST(known_ids_test, no_id_is_ever_forgotten_and_few_are_mistaken) {
  known_ids ids;
  constexpr int count = 200'000;
  for (int i = 0; i < count; ++i) {
    ids.add("id" + std::to_string(i));
    ASSERT_TRUE(ids.maybe_contains("id" + std::to_string(i / 2)));
  }
  int mistaken = 0;
  for (int i = 0; i < count; ++i) {
    ASSERT_TRUE(ids.maybe_contains("id" + std::to_string(i)));
    mistaken += ids.maybe_contains("other" + std::to_string(i));
  }
  EXPECT_LT(mistaken, count / 50);
  EXPECT_LT(ids.memory(), count * 6u);
}

TEST(known_ids_test, the_same_id_again_takes_no_room_while_few) {
  known_ids ids;
  for (int i = 0; i < 1'000; ++i)
    ids.add("same");
  EXPECT_FALSE(ids.maybe_contains("other"));
  EXPECT_LE(ids.memory(), 256u);
}

TEST(known_ids_test, without_the_whole_past_every_id_may_be_known) {
  known_ids ids{false};
  EXPECT_TRUE(ids.maybe_contains("any"));
  ids.add("one");
  EXPECT_TRUE(ids.maybe_contains("another"));
  EXPECT_EQ(ids.memory(), sizeof ids);
}

} // namespace
} // namespace callboard
