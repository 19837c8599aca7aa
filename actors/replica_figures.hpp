#pragma once

#include "actors/engine.hpp"

#include <mutex>
#include <vector>

namespace callboard {

class shard_raft;
struct node_context;

/// What /metrics shows of this node's replicas: each actor that drives a group
/// writes its row about once a second, anybody reads them all. Any thread.
class replica_figures {
public:
  void put(shard_figures x);
  std::vector<shard_figures> all() const; ///< By shard.

private:
  mutable std::mutex mutex_;
  std::vector<shard_figures> rows_; // by shard
};

/// The row of one replica. Only from the actor that drives it.
shard_figures figures_of(const shard_raft& x, shard_id shard,
                         const node_context& node);

} // namespace callboard
