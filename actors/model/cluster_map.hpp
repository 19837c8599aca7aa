#pragma once

#include "actors/model/ids.hpp"
#include "actors/model/problem.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Who belongs to the cluster and where replicas should be: plain data, decided
/// by the leader of the directory's group, replicated, and known to every node.
/// What *is* follows from the Raft groups; each shard's leader moves its group
/// towards what the map wants, one member at a time.
namespace callboard {

/// The Raft group that keeps the map itself; not a shard of rooms.
inline constexpr shard_id directory_shard{0xffff};

struct cluster_node {
  node_number number; ///< Never given twice in a cluster.
  std::string name;
  std::string disk;     ///< peer_identity::disk: another disk is another node.
  std::string address;  ///< Where it was last dialed.
  bool leaving = false; ///< No replica should stay there; then it goes.

  friend bool operator==(const cluster_node&, const cluster_node&) = default;
};

/// Where the replicas of a group should be.
struct placement {
  std::vector<node_number> replicas; ///< Wanted voters; the first should lead.
  node_number pinned; ///< An operator wants it to lead and to stay; 0: nobody.

  friend bool operator==(const placement&, const placement&) = default;
};

/// A replica whose state differed from that of most, and what became of it.
struct taken_replica {
  shard_id shard;
  node_number node;
  std::uint64_t version = 0; ///< Of the map that took it out last.
  std::uint64_t out_ms = 0;  ///< When, Unix time.
  std::uint64_t back_ms = 0; ///< When it was given back by itself; 0: never.
  /// The node said that it holds nothing of it any more. Until then the node
  /// gets no replica of that shard: it would go on with what differed.
  bool empty = false;

  friend bool operator==(const taken_replica&, const taken_replica&) = default;
};

struct cluster_map {
  std::uint64_t version = 0; ///< One more with each change; 0: no map.
  std::string cluster;       ///< Id, random.
  std::uint32_t replicas = 3;
  std::uint64_t next_number = 1;
  std::vector<cluster_node> nodes; ///< By number.
  std::vector<placement> shards;   ///< By shard.
  placement directory;
  std::vector<taken_replica> taken; ///< By shard and node; a day and longer.

  const cluster_node* find(node_number number) const noexcept;
  const cluster_node* find(std::string_view name) const noexcept;
  const placement* of(shard_id shard) const noexcept; ///< directory_shard too.
  const taken_replica* taken_from(shard_id shard,
                                  node_number node) const noexcept;
  /// How many replicas a group should have: min(replicas, nodes that stay).
  std::size_t wanted() const noexcept;

  friend bool operator==(const cluster_map&, const cluster_map&) = default;
};

/// One change of the map; answers are the new map or why not. All are decided
/// on the map alone.
namespace cluster_change {

/// A node that is not in the map joins: it gets a number, and replicas if there
/// are fewer than wanted (a rebalance moves more there). The same disk again:
/// only its address changes. errc::conflict: the name is taken by another disk
/// (remove that node first; the detail says the command).
struct add_node {
  std::string name, disk, address;
};

/// Its replicas move elsewhere, then it is dropped from the map.
/// errc::not_found; errc::conflict: the last node.
struct remove_node {
  std::string name;
};

/// No group has the leaving node as a member any more.
struct drop_node {
  node_number number;
};

/// Replicas and leaders evenly over the nodes, with as few moves as possible.
struct rebalance {};

/// `node` should lead the shard for good, and holds a replica. Empty name: no
/// pin any more.
struct pin {
  shard_id shard;
  std::string node;
};

/// A replica whose state differs is taken out: another node takes its place
/// (not one of which the same was said within `pause`), or, if there is none,
/// the group goes on with one less. errc::not_found: it is not meant to be
/// there; errc::conflict: the only one, or it was taken out and came back
/// since `seen`, the version of the map when it was found to differ.
struct take_out {
  shard_id shard;
  node_number node;
  std::uint64_t seen = 0;
};

/// The node holds nothing any more of a replica that was taken out. If the
/// group lacks one it gets a new one, once within `pause`; later for asking
/// again. errc::not_found: nothing was taken from it.
struct give_back {
  shard_id shard;
  node_number node;
};

/// When a change is decided, for those that are not repeated at will.
struct moment {
  std::uint64_t now_ms = 0;          ///< Unix time at the directory's leader.
  std::chrono::milliseconds pause{}; ///< cluster.rebuild_interval
};

} // namespace cluster_change

/// The map of a cluster that begins: `nodes` get the numbers 1, 2, … in the
/// order of their names, shards and leaders evenly.
cluster_map make_cluster_map(std::string cluster, std::uint32_t shards,
                             std::uint32_t replicas,
                             std::vector<cluster_node> nodes);

result<cluster_map> change(const cluster_map& at,
                           const cluster_change::add_node& x);
result<cluster_map> change(const cluster_map& at,
                           const cluster_change::remove_node& x);
result<cluster_map> change(const cluster_map& at,
                           const cluster_change::drop_node& x);
result<cluster_map> change(const cluster_map& at,
                           const cluster_change::rebalance& x);
result<cluster_map> change(const cluster_map& at, const cluster_change::pin& x);
result<cluster_map> change(const cluster_map& at,
                           const cluster_change::take_out& x,
                           cluster_change::moment when);
result<cluster_map> change(const cluster_map& at,
                           const cluster_change::give_back& x,
                           cluster_change::moment when);

/// Bytes with a version in front; errc::invalid for anything else.
std::string encode(const cluster_map& x);
result<cluster_map> decode_cluster_map(std::string_view bytes);

/// The member of a group as its leader sees it.
struct member_state {
  node_number node;
  bool voter = true;
  bool heard = true;     ///< Within the last election time-outs.
  bool caught_up = true; ///< Lacks few entries.
};

/// The next single step of a group towards its wanted placement.
struct group_step {
  enum class what : std::uint8_t {
    nothing,
    add,     ///< As a non-voter.
    promote, ///< It has caught up.
    demote,
    remove,
    hand_over, ///< Lead no longer: `node` should.
  };
  what action = what::nothing;
  node_number node;

  friend bool operator==(const group_step&, const group_step&) = default;
};

/// What the leader `self` of a group should do next: add what is missing,
/// promote it when caught up, then remove what is not wanted (a leader that is
/// not wanted hands over first), then hand over to the first wanted (or pinned)
/// replica if that is heard and caught up. A lost (unheard) member that is not
/// wanted goes before anything else, so that the others may change at all.
/// Never names a step that would leave fewer voters heard than a majority
/// needs.
group_step next_step(node_number self, const std::vector<member_state>& members,
                     const placement& wanted);

} // namespace callboard
