#include "tests/unit/model/cluster_maps.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <set>

namespace callboard {

using namespace test;
using namespace cluster_change;

namespace {

cluster_map joined(const cluster_map& at, const std::string& name) {
  return change(at, add_node{name, "disk-of-" + name, name + ":7000"}).value();
}

struct loads {
  std::map<node_number, std::size_t> replicas, leaders;

  explicit loads(const cluster_map& map) {
    for (auto& node : map.nodes)
      if (!node.leaving)
        replicas[node.number] = leaders[node.number] = 0;
    for (auto& group : map.shards) {
      for (auto node : group.replicas)
        ++replicas[node];
      ++leaders[group.replicas.front()];
    }
  }

  static std::size_t spread(const std::map<node_number, std::size_t>& xs) {
    std::size_t least = SIZE_MAX, most = 0;
    for (auto& [node, x] : xs) {
      least = std::min(least, x);
      most = std::max(most, x);
    }
    return most - least;
  }
};

std::size_t moved(const cluster_map& from, const cluster_map& to) {
  std::size_t out = 0;
  for (std::size_t i = 0; i < from.shards.size(); ++i)
    for (auto node : to.shards[i].replicas)
      out += std::ranges::count(from.shards[i].replicas, node) == 0;
  return out;
}

TEST(cluster_map, a_new_cluster_has_numbers_by_name_and_is_even) {
  for (std::size_t nodes = 1; nodes <= 9; ++nodes)
    for (std::uint32_t replicas : {1, 3, 5}) {
      auto map = cluster_of(nodes, replicas);
      EXPECT_EQ(map.version, 1u);
      EXPECT_EQ(map.next_number, nodes + 1);
      for (std::size_t i = 0; i < nodes; ++i) {
        EXPECT_EQ(map.nodes[i].number.value, i + 1);
        EXPECT_EQ(map.nodes[i].name, "n" + std::to_string(i + 1));
      }
      expect_sound(map);
      loads x{map};
      EXPECT_LE(loads::spread(x.replicas), 1u) << nodes << ' ' << replicas;
      EXPECT_LE(loads::spread(x.leaders), 1u) << nodes << ' ' << replicas;
    }
}

TEST(cluster_map, a_cluster_of_one_grows_to_three_replicas) {
  auto map = cluster_of(1);
  EXPECT_EQ(map.shards[0].replicas.size(), 1u);
  map = joined(map, "n2");
  EXPECT_EQ(map.version, 2u);
  expect_sound(map);
  EXPECT_EQ(map.shards[0].replicas.size(), 2u);
  map = joined(map, "n3");
  expect_sound(map);
  EXPECT_EQ(map.shards[0].replicas.size(), 3u);
  EXPECT_EQ(map.shards[0].replicas.front().value, 1u); // nobody changed hands
  auto full = joined(map, "n4");
  EXPECT_EQ(full.shards, map.shards); // nothing lacks: only rebalance moves
  full = change(full, rebalance{}).value();
  EXPECT_EQ(moved(map, full), 12u); // 48 replicas over four nodes
  loads x{full};
  EXPECT_LE(loads::spread(x.replicas), 1u);
  EXPECT_LE(loads::spread(x.leaders), 1u);
}

TEST(cluster_map, the_same_disk_again_changes_only_its_address) {
  auto map = cluster_of(3);
  auto same = change(map, add_node{"n2", "disk-2", "10.0.0.2:7000"});
  EXPECT_EQ(*same, map); // version and all: there is nothing to decide
  auto away = change(map, add_node{"n2", "disk-2", "10.9.9.9:7000"});
  EXPECT_EQ(away->find("n2")->address, "10.9.9.9:7000");
  EXPECT_EQ(away->version, 2u);
  EXPECT_EQ(away->shards, map.shards);
  EXPECT_EQ(away->next_number, map.next_number);
}

TEST(cluster_map, a_name_that_another_disk_has_is_refused_with_the_remedy) {
  auto map = cluster_of(3);
  auto taken = change(map, add_node{"n2", "new-disk", "10.0.0.2:7000"});
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, errc::conflict);
  EXPECT_NE(taken.error().detail.find("callboard admin remove-node n2"),
            std::string::npos);
  EXPECT_EQ(change(map, add_node{"other", "disk-2", "x:1"}).error().code,
            errc::conflict);
  EXPECT_EQ(change(map, add_node{"", "d", "x:1"}).error().code, errc::invalid);
  EXPECT_EQ(change(map, add_node{"n9", "d", ""}).error().code, errc::invalid);
}

TEST(cluster_map, a_removed_node_keeps_nothing_and_is_dropped_then) {
  auto map = cluster_of(4);
  auto out = change(map, remove_node{"n2"}).value();
  EXPECT_TRUE(out.find("n2")->leaving);
  expect_sound(out);
  EXPECT_EQ(moved(map, out), 12u); // its own replicas, nobody else's
  EXPECT_EQ(*change(out, remove_node{"n2"}), out);
  // Its name is free when it has gone.
  EXPECT_EQ(change(out, add_node{"n2", "new", "x:1"}).error().code,
            errc::conflict);
  EXPECT_EQ(change(map, drop_node{{2}}).error().code, errc::conflict);
  auto gone = change(out, drop_node{{2}}).value();
  EXPECT_EQ(gone.nodes.size(), 3u);
  auto back = change(gone, add_node{"n2", "new", "x:1"}).value();
  EXPECT_EQ(back.find("n2")->number.value, 5u); // a number is never given twice
  EXPECT_EQ(change(gone, drop_node{{2}}).error().code, errc::not_found);
}

TEST(cluster_map, the_last_node_cannot_go) {
  auto map = cluster_of(2);
  EXPECT_EQ(change(map, remove_node{"n7"}).error().code, errc::not_found);
  map = change(map, remove_node{"n1"}).value();
  expect_sound(map);
  EXPECT_EQ(change(map, remove_node{"n2"}).error().code, errc::conflict);
}

TEST(cluster_map, the_shards_of_a_removed_leader_go_to_those_who_hold_them) {
  auto map = cluster_of(5);
  auto out = change(map, remove_node{"n1"}).value();
  for (std::size_t i = 0; i < map.shards.size(); ++i) {
    auto leader = out.shards[i].replicas.front();
    EXPECT_EQ(std::ranges::count(map.shards[i].replicas, leader), 1) << i;
  }
  EXPECT_LE(loads::spread(loads{out}.leaders), 2u);
}

TEST(cluster_map, a_pinned_leader_stays_whatever_is_evened_out) {
  auto map = cluster_of(5);
  for (std::uint64_t i = 0; i < 8; ++i) {
    map = change(map, pin{{i}, "n5"}).value();
    EXPECT_EQ(map.shards[i].replicas.front().value, 5u);
  }
  expect_sound(map);
  map = change(map, rebalance{}).value();
  expect_sound(map);
  for (std::size_t i = 0; i < 8; ++i)
    EXPECT_EQ(map.shards[i].replicas.front().value, 5u);
  EXPECT_LE(loads::spread(loads{map}.replicas), 1u);
  EXPECT_EQ(change(map, pin{{99}, "n5"}).error().code, errc::not_found);
  EXPECT_EQ(change(map, pin{{1}, "n6"}).error().code, errc::not_found);
  EXPECT_TRUE(change(map, pin{directory_shard, "n5"}));
  for (std::uint64_t i = 0; i < 8; ++i)
    map = change(map, pin{{i}, ""}).value();
  map = change(map, rebalance{}).value();
  EXPECT_LE(loads::spread(loads{map}.leaders), 1u);
  // A pin goes with the node.
  map = change(map, pin{{3}, "n5"}).value();
  map = change(map, remove_node{"n5"}).value();
  EXPECT_EQ(map.shards[3].pinned.value, 0u);
  EXPECT_EQ(change(map, pin{{3}, "n5"}).error().code, errc::conflict);
}

TEST(cluster_map, five_replicas_are_five_for_the_directory_too) {
  EXPECT_EQ(cluster_of(7, 5).directory.replicas.size(), 5u);
  EXPECT_EQ(cluster_of(7, 3).directory.replicas.size(), 3u);
}

/// So many moves a rebalance needs at least.
std::size_t fewest_moves(const cluster_map& map) {
  loads x{map};
  std::size_t all = 0, over = 0, under = 0;
  for (auto& [node, n] : x.replicas)
    all += n;
  auto floor = all / x.replicas.size();
  auto ceiling = (all + x.replicas.size() - 1) / x.replicas.size();
  for (auto& [node, n] : x.replicas) {
    over += n > ceiling ? n - ceiling : 0;
    under += n < floor ? floor - n : 0;
  }
  return std::max(over, under);
}

TEST(cluster_map, random_changes_keep_every_map_sound_and_rebalance_evens_it) {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random{seed};
    auto replicas = static_cast<std::uint32_t>(1 + 2 * (random() % 3));
    auto shards = static_cast<std::uint32_t>(1 + random() % 40);
    auto map = cluster_of(1 + random() % 7, replicas, shards);
    int made = 0;
    for (int step = 0; step < 40; ++step) {
      auto before = map;
      auto& some = map.nodes[random() % map.nodes.size()];
      result<cluster_map> after = map;
      switch (random() % 5) {
      case 0:
        ++made;
        after = change(map, add_node{"x" + std::to_string(made),
                                     "d" + std::to_string(made), "a:1"});
        EXPECT_TRUE(after);
        break;
      case 1:
        after = change(map, remove_node{some.name});
        break;
      case 2:
        after = change(map, drop_node{some.number});
        break;
      case 3:
        after = change(map, pin{{random() % map.shards.size()},
                                random() % 2 == 0 ? some.name : ""});
        break;
      default: {
        auto fewest = fewest_moves(map);
        auto pinned = std::ranges::any_of(
          map.shards, [](auto& x) { return x.pinned != node_number{}; });
        after = change(map, rebalance{});
        ASSERT_TRUE(after);
        if (!pinned) {
          EXPECT_EQ(moved(map, *after), fewest);
          EXPECT_LE(loads::spread(loads{*after}.replicas), 1u);
          EXPECT_LE(loads::spread(loads{*after}.leaders), 1u);
        }
        EXPECT_EQ(*change(*after, rebalance{}), *after);
      }
      }
      if (!after)
        continue;
      EXPECT_EQ(after->version,
                *after == before ? before.version : before.version + 1);
      map = *after;
      expect_sound(map);
    }
  }
}

/// Nothing but what encode() wrote is taken for a map.
void only_this_is_read(const cluster_map& map) {
  auto bytes = encode(map);
  EXPECT_EQ(decode_cluster_map(bytes).value(), map);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_cluster_map(bytes.substr(0, size))) << size;
  EXPECT_FALSE(decode_cluster_map(bytes + '\0'));
  auto other = bytes;
  other[0] = 3;
  EXPECT_FALSE(decode_cluster_map(other));
  std::mt19937 random{7};
  for (int i = 0; i < 50'000; ++i) {
    auto bad = bytes;
    bad[random() % bad.size()] = static_cast<char>(random());
    if (random() % 2 == 0)
      bad.erase(random() % bad.size(), 1 + random() % 3);
    if (auto back = decode_cluster_map(bad)) {
      EXPECT_EQ(encode(*back), bad);
    }
  }
}

TEST(cluster_map, only_a_map_is_read_as_a_map) {
  auto map = change(cluster_of(4), remove_node{"n3"}).value();
  map = change(map, pin{{2}, "n4"}).value();
  only_this_is_read(map);
  map = change(map, take_out{{2}, {2}, map.version}, at_ms(77)).value();
  only_this_is_read(change(map, take_out{{5}, {1}, 99}, at_ms(99)).value());
}

} // namespace
} // namespace callboard
