#include "actors/model/cluster_map.hpp"

#include <algorithm>

namespace callboard {

const cluster_node* cluster_map::find(node_number number) const noexcept {
  auto at = std::ranges::find(nodes, number, &cluster_node::number);
  return at == nodes.end() ? nullptr : &*at;
}

const cluster_node* cluster_map::find(std::string_view name) const noexcept {
  auto at = std::ranges::find(nodes, name, &cluster_node::name);
  return at == nodes.end() ? nullptr : &*at;
}

const placement* cluster_map::of(shard_id shard) const noexcept {
  if (shard == directory_shard)
    return &directory;
  return shard.value < shards.size() ? &shards[shard.value] : nullptr;
}

} // namespace callboard
