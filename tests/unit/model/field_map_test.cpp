#include "actors/model/run_machine.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <random>

namespace callboard {
namespace {

std::string shown(const field_map& x) {
  std::string out;
  for (const auto& [key, raw] : x.fields())
    out += key + "=" + raw + ";";
  return out;
}

TEST(field_map_test, changes_are_merged_field_by_field) {
  field_map x;
  ASSERT_TRUE(x.merge(R"({"a":1.0,"b":{"x":1,"y":2},"c":"z"})"));
  ASSERT_TRUE(x.merge(R"({"b":{"y":3},"a":2,"d":[ 1 ]})"));
  EXPECT_EQ(shown(x), R"(a=2;b={"y":3};c="z";d=[ 1 ];)");
  ASSERT_TRUE(x.merge(R"({"b":null,"unknown":null})"));
  EXPECT_EQ(shown(x), R"(a=2;c="z";d=[ 1 ];)");
  EXPECT_EQ(x.find("b"), nullptr);
  EXPECT_EQ(*x.find("c"), R"("z")");
}

TEST(field_map_test, names_are_the_same_however_they_are_written) {
  field_map x;
  ASSERT_TRUE(x.merge(R"({"a\u0062":1})"));
  ASSERT_TRUE(x.merge(R"({"ab":2})"));
  EXPECT_EQ(shown(x), "ab=2;");
}

TEST(field_map_test, what_is_no_object_cannot_be_merged) {
  field_map x;
  for (const auto* bad : {"", "[]", "1", "{", R"({"a":1,"a":2})"}) {
    auto ok = x.merge(bad);
    ASSERT_FALSE(ok) << bad;
    EXPECT_EQ(ok.error().code, errc::internal);
  }
  EXPECT_TRUE(x.fields().empty());
}

TEST(field_map_test, fields_can_be_set_and_erased_one_by_one) {
  field_map x;
  x.set("a", "1");
  x.set("b", "2");
  x.set("a", "3");
  EXPECT_EQ(shown(x), "a=3;b=2;");
  x.erase("a");
  x.erase("none");
  EXPECT_EQ(shown(x), "b=2;");
}

/// Many fields at once take another way; it must lead to the same place.
TEST(field_map_test, large_and_small_merges_come_to_the_same) {
  std::mt19937 random{3};
  for (int round = 0; round < 20; ++round) {
    field_map at_once, one_by_one;
    for (int merge = 0; merge < 4; ++merge) {
      std::string all = "{";
      for (int i = 0; i < 300; ++i) {
        if (random() % 3 == 0)
          continue;
        auto val = random() % 4 == 0 ? "null" : std::to_string(random() % 100);
        auto member = "\"k" + std::to_string(i) + "\":" + val;
        all += (all.size() > 1 ? "," : "") + member;
        ASSERT_TRUE(one_by_one.merge("{" + member + "}"));
      }
      ASSERT_TRUE(at_once.merge(all + "}"));
    }
    ASSERT_EQ(shown(at_once), shown(one_by_one));
  }
}

TEST(field_map_test, a_hundred_thousand_fields_are_merged_in_reasonable_time) {
  std::string changes = "{";
  for (int i = 0; i < 100'000; ++i)
    changes += (i > 0 ? ",\"k" : "\"k") + std::to_string(i) + "\":0";
  changes += '}';
  field_map x;
  auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(x.merge(changes));
  ASSERT_TRUE(x.merge(changes));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds{5});
  EXPECT_EQ(x.fields().size(), 100'000u);
}

} // namespace
} // namespace callboard
