#include "actors/directory_orders.hpp"

#include <gtest/gtest.h>

namespace callboard {
namespace {

cluster_map three() {
  std::vector<cluster_node> nodes;
  for (auto name : {"a", "b", "c"})
    nodes.push_back({{}, name, std::string{"disk-"} + name, "h:1", false});
  return make_cluster_map("cluster", 4, 3, std::move(nodes));
}

/// What the directory's leader makes of an order that came over the link.
result<cluster_map> carried_out(const cluster_map& at, const map_order& x) {
  return decode_order(encode_order(x)).and_then([&](const map_order& y) {
    return apply_order(at, y, {1'000'000, std::chrono::hours{1}});
  });
}

TEST(directory_orders, mean_the_same_on_the_other_side) {
  using namespace cluster_change;
  auto map = three();
  auto grown = carried_out(map, add_node{"d \"x\"", "disk-d", "h:4"});
  ASSERT_TRUE(grown) << grown.error().detail;
  EXPECT_EQ(grown->version, map.version + 1);
  ASSERT_TRUE(grown->find(std::string_view{"d \"x\""}));
  auto without = carried_out(map, take_out{{2}, {3}, map.version});
  ASSERT_TRUE(without);
  EXPECT_EQ(without->shards[2].replicas.size(), 2u);
  EXPECT_FALSE(carried_out(*without, take_out{{2}, {3}, map.version}));
  auto again = carried_out(*without, give_back{{2}, {3}});
  ASSERT_TRUE(again);
  EXPECT_EQ(again->shards[2].replicas.size(), 3u);
  EXPECT_EQ(again->taken_from({2}, {3})->back_ms, 1'000'000u);
  EXPECT_FALSE(carried_out(*again, take_out{{2}, {3}, map.version}))
    << "what differed is gone by now";
  EXPECT_TRUE(carried_out(*again, take_out{{2}, {3}, again->version}));
  auto even = carried_out(*grown, rebalance{});
  ASSERT_TRUE(even);
  auto pinned = carried_out(*even, pin{{2}, "b"});
  ASSERT_TRUE(pinned);
  EXPECT_EQ(pinned->of(shard_id{2})->pinned, pinned->find("b")->number);
  auto left = carried_out(*pinned, remove_node{"c"});
  ASSERT_TRUE(left);
  EXPECT_TRUE(left->find("c")->leaving);
  auto dropped = carried_out(*left, drop_node{left->find("c")->number});
  ASSERT_TRUE(dropped);
  EXPECT_FALSE(dropped->find("c"));
}

TEST(directory_orders, that_make_no_sense_are_refused) {
  for (auto text :
       {"", "[]", "{}", "{\"change\":\"grow\"}", "{\"change\":1}"}) {
    auto x = decode_order(text);
    ASSERT_FALSE(x) << text;
    EXPECT_EQ(x.error().code, errc::invalid);
  }
  auto unknown = carried_out(three(), cluster_change::remove_node{"z"});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, errc::not_found);
}

} // namespace
} // namespace callboard
