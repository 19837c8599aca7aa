#pragma once

#include "actors/node_context.hpp"
#include "storage/raft/consensus.hpp"

#include <optional>
#include <vector>

/// What a replica begins with, from the disk. These wait for it: they run on a
/// reader's thread, never on one of the scheduler's.
namespace callboard {

struct loaded_replica {
  /// Nothing else counts then: `unavailable` if the disk is full, so that it
  /// may be tried again; else the node cannot go on.
  std::optional<problem> error;
  /// False: the node holds none of this group, unless its leader takes it in.
  bool begins = false;
  log_index applied;
  restored_log log;
  std::vector<group_member> bootstrap; ///< Of a group that begins; else empty.
};

/// What an earlier life of the process left: finishes an install that was
/// interrupted, a wipe likewise, and loads the log. `founders` are the members
/// of a group that has nothing on the disk yet; empty: this node is not one of
/// them.
loaded_replica find_replica(node_context& node, shard_id shard,
                            const std::vector<group_member>& founders);

/// For a node that is being taken into the group.
loaded_replica load_replica(node_context& node, shard_id shard);

} // namespace callboard
