#include "tests/unit/model/cluster_maps.hpp"

/// What becomes of a replica that holds something else than the others.
namespace callboard {

using namespace test;
using namespace cluster_change;

namespace {

TEST(cluster_taking, a_replica_that_differs_is_replaced_or_left_out) {
  auto map = cluster_of(4);
  auto bad = map.shards[7].replicas[1];
  auto out = change(map, take_out{{7}, bad, 1}, at_ms(1000)).value();
  expect_sound(out);
  EXPECT_EQ(std::ranges::count(out.shards[7].replicas, bad), 0);
  EXPECT_EQ(change(out, take_out{{7}, bad, 1}, at_ms(1000)).error().code,
            errc::not_found);
  EXPECT_EQ(change(cluster_of(1), take_out{{7}, {1}, 1}, at_ms(1)).error().code,
            errc::conflict);
  EXPECT_EQ(change(map, take_out{{99}, {1}, 1}, at_ms(1)).error().code,
            errc::not_found);
  EXPECT_EQ(change(map, give_back{{7}, {1}}, at_ms(1)).error().code,
            errc::not_found);
}

TEST(cluster_taking, what_was_taken_out_comes_back_when_it_is_empty_but_once) {
  auto map = change(cluster_of(3), take_out{{7}, {2}, 1}, at_ms(1000)).value();
  EXPECT_EQ(map.shards[7].replicas.size(), 2u);
  // Nobody gives it back before the node has dropped what differed.
  EXPECT_EQ(change(map, rebalance{})->shards[7].replicas.size(), 2u);
  EXPECT_EQ(change(map, pin{{7}, "n2"}).error().code, errc::conflict);
  auto back = change(map, give_back{{7}, {2}}, at_ms(2000)).value();
  expect_sound(back);
  EXPECT_EQ(*change(back, give_back{{7}, {2}}, at_ms(3000)), back);
  // An order of then does not take out what is there now.
  EXPECT_EQ(change(back, take_out{{7}, {2}, 1}, at_ms(3000)).error().code,
            errc::conflict);
  map = change(back, take_out{{7}, {2}, back.version}, at_ms(4000)).value();
  auto empty = change(map, give_back{{7}, {2}}, at_ms(5000)).value();
  EXPECT_EQ(empty.shards[7].replicas.size(), 2u) << "too soon";
  EXPECT_EQ(empty.version, map.version + 1);
  EXPECT_EQ(*change(empty, give_back{{7}, {2}}, at_ms(6000)), empty);
  EXPECT_EQ(change(empty, rebalance{})->shards[7].replicas.size(), 3u)
    << "an operator may";
  back = change(empty, give_back{{7}, {2}}, at_ms(2000 + hour_ms)).value();
  expect_sound(back);
  // Another shard of the same node is another matter.
  map = change(back, take_out{{8}, {2}, back.version}, at_ms(5000)).value();
  expect_sound(change(map, give_back{{8}, {2}}, at_ms(6000)).value());
  // What is long ago is forgotten.
  map
    = change(back, take_out{{3}, {1}, back.version}, at_ms(2000 + 26 * hour_ms))
        .value();
  EXPECT_EQ(map.taken.size(), 1u);
}

TEST(cluster_taking, what_differed_at_all_nodes_is_not_moved_around_for_ever) {
  auto map = cluster_of(5);
  for (int i = 0; i < 3; ++i) {
    auto bad = map.shards[7].replicas.back();
    map = change(map, take_out{{7}, bad, map.version}, at_ms(1000)).value();
    map = change(map, give_back{{7}, bad}, at_ms(1000)).value();
  }
  // The first two had others in their place; the third comes back itself.
  expect_sound(map);
  EXPECT_EQ(map.taken.size(), 3u);
  auto bad = map.shards[7].replicas.back();
  map = change(map, take_out{{7}, bad, map.version}, at_ms(2000)).value();
  map = change(map, give_back{{7}, bad}, at_ms(2000)).value();
  EXPECT_EQ(map.shards[7].replicas.size(), 2u);
}

TEST(cluster_taking, what_was_taken_goes_with_its_node) {
  auto map = cluster_of(4);
  const auto bad = map.shards[7].replicas.back();
  map = change(map, take_out{{7}, bad, 1}, at_ms(1)).value();
  map = change(map, take_out{directory_shard, map.directory.replicas[0], 9},
               at_ms(1))
          .value();
  EXPECT_EQ(map.taken.size(), 2u);
  EXPECT_EQ(decode_cluster_map(encode(map)).value(), map);
  map = change(map, remove_node{map.find(bad)->name}).value();
  map = change(map, drop_node{bad}).value();
  EXPECT_EQ(map.taken_from({7}, bad), nullptr);
  EXPECT_EQ(decode_cluster_map(encode(map)).value(), map);
}

} // namespace
} // namespace callboard
