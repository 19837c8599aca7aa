#pragma once

#include "actors/model/cluster_map.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace callboard::test {

inline std::vector<cluster_node> nodes_named(std::size_t count) {
  std::vector<cluster_node> out;
  for (auto i = count; i > 0; --i) { // not in the order of their names
    auto n = std::to_string(i);
    out.push_back({{}, "n" + n, "disk-" + n, "10.0.0." + n + ":7000", false});
  }
  return out;
}

inline cluster_map cluster_of(std::size_t count, std::uint32_t replicas = 3,
                              std::uint32_t shards = 16) {
  return make_cluster_map("c", shards, replicas, nodes_named(count));
}

inline std::size_t active(const cluster_map& map) {
  return static_cast<std::size_t>(
    std::ranges::count(map.nodes, false, &cluster_node::leaving));
}

inline constexpr std::uint64_t hour_ms = 3'600'000;

/// A change at that time, in a cluster that rebuilds a replica once an hour.
inline cluster_change::moment at_ms(std::uint64_t now) {
  return {now, std::chrono::hours{1}};
}

/// As many replicas as wanted, on nodes that stay, pins first; and its bytes
/// are read back as it is.
inline void expect_sound(const cluster_map& map) {
  auto wanted = std::min<std::size_t>(map.replicas, active(map));
  auto check = [&](const placement& group) {
    EXPECT_EQ(group.replicas.size(), wanted);
    std::set<node_number> once{group.replicas.begin(), group.replicas.end()};
    EXPECT_EQ(once.size(), group.replicas.size());
    for (auto node : group.replicas) {
      ASSERT_NE(map.find(node), nullptr);
      EXPECT_FALSE(map.find(node)->leaving);
    }
    if (group.pinned != node_number{}) {
      EXPECT_EQ(group.replicas.front(), group.pinned);
    }
  };
  for (auto& group : map.shards)
    check(group);
  check(map.directory);
  auto bytes = encode(map);
  auto back = decode_cluster_map(bytes);
  ASSERT_TRUE(back) << back.error().detail;
  EXPECT_EQ(*back, map);
}

} // namespace callboard::test
