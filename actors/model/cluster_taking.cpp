#include "actors/model/cluster_map.hpp"
#include "actors/model/cluster_placement.hpp"

#include <algorithm>
#include <utility>

// Replicas that differ are taken out, and given back when they are empty.

namespace callboard {

namespace {

/// What was given back is remembered for so long, for operators.
constexpr std::uint64_t memory_ms = 24 * 3'600'000;

std::uint64_t in_ms(std::chrono::milliseconds x) noexcept {
  return x.count() > 0 ? static_cast<std::uint64_t>(x.count()) : 0;
}

/// Whether `then` is longer ago than the pause. A clock that went back does not
/// make it longer than that.
bool rested(std::uint64_t then, cluster_change::moment when) {
  auto ago = when.now_ms > then ? when.now_ms - then : then - when.now_ms;
  return then == 0 || ago >= in_ms(when.pause);
}

taken_replica* find_taken(cluster_map& map, shard_id shard, node_number node) {
  auto at = std::ranges::find_if(map.taken, [&](const taken_replica& x) {
    return x.shard == shard && x.node == node;
  });
  return at == map.taken.end() ? nullptr : &*at;
}

taken_replica& note_taken(cluster_map& map, shard_id shard, node_number node) {
  if (auto known = find_taken(map, shard, node))
    return *known;
  auto at = std::ranges::lower_bound(map.taken, std::pair{shard, node}, {},
                                     [](const taken_replica& x) {
                                       return std::pair{x.shard, x.node};
                                     });
  return *map.taken.insert(at, {shard, node});
}

void forget_old(cluster_map& map, std::uint64_t now_ms) {
  std::erase_if(map.taken, [&](const taken_replica& x) {
    auto group = map.of(x.shard);
    return x.empty && now_ms > std::max(x.out_ms, x.back_ms) + memory_ms
           && group->replicas.size() >= map.wanted();
  });
}

} // namespace

result<cluster_map> change(const cluster_map& at,
                           const cluster_change::take_out& x,
                           cluster_change::moment when) {
  auto map = at;
  auto group = group_of(map, x.shard);
  if (group == nullptr)
    return no_shard(x.shard);
  if (std::ranges::find(group->replicas, x.node) == group->replicas.end())
    return fail(errc::not_found, "shard " + std::to_string(x.shard.value)
                                   + " is not meant to be on node "
                                   + std::to_string(x.node.value));
  if (auto before = at.taken_from(x.shard, x.node);
      before != nullptr && before->version > x.seen)
    return fail(errc::conflict, "it was taken out since, and came back empty");
  forget_old(map, when.now_ms);
  std::vector<node_number> except{x.node};
  for (auto& other : map.taken)
    if (other.shard == x.shard && !rested(other.out_ms, when))
      except.push_back(other.node);
  placer place{map};
  auto instead = place.candidate(*group, except);
  if (!instead && group->replicas.size() == 1)
    return fail(errc::conflict, "it is the only replica of shard "
                                  + std::to_string(x.shard.value));
  place.take_out(*group, x.node);
  if (instead)
    place.add(*group, *instead);
  auto& taken = note_taken(map, x.shard, x.node);
  taken.version = at.version + 1;
  taken.out_ms = when.now_ms;
  taken.empty = false;
  return changed(at, std::move(map));
}

result<cluster_map> change(const cluster_map& at,
                           const cluster_change::give_back& x,
                           cluster_change::moment when) {
  auto map = at;
  auto group = group_of(map, x.shard);
  if (group == nullptr)
    return no_shard(x.shard);
  auto taken = find_taken(map, x.shard, x.node);
  if (taken == nullptr)
    return fail(errc::not_found,
                "nothing of shard " + std::to_string(x.shard.value)
                  + " was taken from node " + std::to_string(x.node.value));
  taken->empty = true;
  auto node = at.find(x.node);
  if (group->replicas.size() < at.wanted() && node != nullptr && !node->leaving
      && std::ranges::find(group->replicas, x.node) == group->replicas.end()
      && rested(taken->back_ms, when)) {
    taken->back_ms = when.now_ms;
    placer{map}.add(*group, x.node);
  }
  return changed(at, std::move(map));
}

} // namespace callboard
