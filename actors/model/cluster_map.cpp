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

const taken_replica* cluster_map::taken_from(shard_id shard,
                                             node_number node) const noexcept {
  auto at = std::ranges::find_if(taken, [&](const taken_replica& x) {
    return x.shard == shard && x.node == node;
  });
  return at == taken.end() ? nullptr : &*at;
}

std::size_t cluster_map::wanted() const noexcept {
  auto staying = std::ranges::count(nodes, false, &cluster_node::leaving);
  return std::min<std::size_t>(replicas, static_cast<std::size_t>(staying));
}

} // namespace callboard
