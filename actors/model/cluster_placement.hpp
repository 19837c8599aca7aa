#pragma once

#include "actors/model/cluster_map.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

/// Where replicas go: what changes of the map and new maps are made of; private
/// to the model.
namespace callboard {

/// `after` as the next version of `before`, if anything is different.
cluster_map changed(const cluster_map& before, cluster_map after);

/// Null: there is no such shard.
placement* group_of(cluster_map& map, shard_id shard) noexcept;
tl::unexpected<problem> no_shard(shard_id shard);

/// Moves replicas and leaders in a map. Only nodes that are not leaving get
/// any. Loads count replicas (leaders) of shards; the directory's group goes by
/// the same loads but is not counted.
class placer {
public:
  explicit placer(cluster_map& map);

  /// Gives groups that have fewer replicas than wanted() more of them, and a
  /// leader to those that lack one.
  void fill();

  /// Takes the node out of a group; another one that has a replica leads then.
  void take_out(placement& group, node_number node);

  /// The node with the fewest replicas that is not in the group; nothing if all
  /// are. Never one that may still hold what was taken out of the group.
  std::optional<node_number> candidate(const placement& group,
                                       std::span<const node_number> except
                                       = {}) const;

  /// Whether the node was told to drop its replica of the group, and did not
  /// say yet that it has.
  bool unclean(const placement& group, node_number node) const noexcept;

  void add(placement& group, node_number node);

  /// Replicas evenly: no node has two more than another, with as few moves as
  /// that takes. Replicas of pinned leaders stay.
  void even_replicas();

  /// Leaders evenly, likewise; only nodes that hold a replica lead.
  void even_leaders();

  /// `node` leads, and takes another one's place if it has no replica.
  void pin(placement& group, node_number node);

private:
  struct load {
    node_number node;
    std::size_t replicas = 0;
    std::size_t leaders = 0;
  };

  load* of(node_number node) noexcept;
  bool counted(const placement& group) const noexcept;
  void count(const placement& group, int sign);
  void lead_by_least(placement& group);
  void fill(placement& group);
  bool move_one_replica();
  bool move_replica(node_number from, node_number to);
  bool move_one_leader();

  cluster_map& map_;
  std::vector<load> loads_; // nodes that are not leaving, by number
  std::size_t wanted_ = 0;
};

} // namespace callboard
