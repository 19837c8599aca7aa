#include "actors/model/cluster_map.hpp"
#include "storage/entry.hpp"

#include "tests/unit/state/store_fixture.hpp"

#include <gtest/gtest.h>

namespace callboard::test {
namespace {

class directory_test : public store_fixture {
protected:
  result<void> apply_to(shard_id where, std::uint64_t index,
                        const std::string& payload) {
    std::string_view one = payload;
    return store->apply(where, {index}, std::span{&one, 1});
  }
};

TEST_F(directory_test, keeps_the_latest_map) {
  EXPECT_EQ(store->cluster_map_bytes(), "");
  EXPECT_EQ(store->applied(directory_shard), log_index{});
  ASSERT_TRUE(apply_to(directory_shard, 1, "")); // a barrier
  EXPECT_EQ(store->cluster_map_bytes(), "");
  const std::string first("a\0map", 5);
  ASSERT_TRUE(apply_to(directory_shard, 2, map_entry(first)));
  EXPECT_EQ(store->cluster_map_bytes(), first);
  auto two = map_entry("two"), three = map_entry("three");
  std::vector<std::string_view> both{two, three};
  ASSERT_TRUE(store->apply(directory_shard, {4}, both));
  ASSERT_TRUE(store->flush());
  reopen();
  EXPECT_EQ(store->cluster_map_bytes(), "three");
  EXPECT_EQ(store->applied(directory_shard), log_index{4});
}

TEST_F(directory_test, has_a_digest_of_its_own) {
  auto empty = store->digest(directory_shard);
  ASSERT_TRUE(empty);
  ASSERT_TRUE(apply_to(directory_shard, 1, map_entry("one")));
  auto one = store->digest(directory_shard);
  ASSERT_TRUE(apply_to(directory_shard, 2, map_entry("two")));
  auto two = store->digest(directory_shard);
  EXPECT_NE(empty, one);
  EXPECT_NE(one, two);
  EXPECT_EQ(store->digest({8}), empty); // as has the shard that never was
}

TEST_F(directory_test, maps_and_events_do_not_mix) {
  auto map_elsewhere = apply_to(shard, 1, map_entry("one"));
  ASSERT_FALSE(map_elsewhere);
  EXPECT_EQ(map_elsewhere.error().code, errc::internal);
  out.add("p", run_event("e1", R"({"n":1})"));
  auto event_here = apply_to(directory_shard, 1, out.take());
  ASSERT_FALSE(event_here);
  EXPECT_EQ(event_here.error().code, errc::internal);
  EXPECT_FALSE(apply_to(directory_shard, 1, map_entry("")));
  EXPECT_EQ(store->applied(shard), log_index{});
  EXPECT_EQ(store->applied(directory_shard), log_index{});
}

TEST(directory_entry, is_told_by_its_first_byte) {
  auto entry = map_entry("the map");
  EXPECT_TRUE(is_map_entry(entry));
  EXPECT_FALSE(is_map_entry(""));
  entry_writer events;
  EXPECT_FALSE(is_map_entry(events.take()));
  // Programs from before clusters know 1 only, and say "of a newer program".
  EXPECT_EQ(entry.front(), 2);
  entry_reader in{entry};
  entry_item item;
  ASSERT_TRUE(in.next(item));
  EXPECT_EQ(item.op, entry_item::what::map);
  EXPECT_EQ(item.record, "the map");
  EXPECT_FALSE(in.next(item));
  EXPECT_TRUE(in.ok());
}

} // namespace
} // namespace callboard::test
