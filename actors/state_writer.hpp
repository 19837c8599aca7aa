#pragma once

#include "actors/messages.hpp"
#include "actors/node_context.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <cstddef>
#include <deque>
#include <unordered_map>

namespace callboard {

/// Applies committed entries of all shards to the state store, in the order in
/// which each shard sent them. Spawned detached: apply() may wait for the disk.
/// Entries that find no space stay and are tried again every 200 ms.
class state_writer_state {
public:
  static constexpr const char* name = "state-writer";

  explicit state_writer_state(state_writer_actor::pointer self) noexcept
      : self_{self} {
    // nop
  }

  void init(node_context& node) noexcept {
    node_ = &node;
  }

  void handle(state_apply& x);
  void handle(flush_now);

private:
  bool apply(const state_apply& x);
  void ask_for_flush();

  state_writer_actor::pointer self_;
  node_context* node_ = nullptr;
  std::deque<state_apply> stuck_; // bounded by the proposals in flight
  std::unordered_map<shard_id, std::pair<storage_listener, log_index>> applied_;
  std::size_t bytes_since_flush_ = 0;
};

state_writer_actor::behavior_type
state_writer(state_writer_actor::stateful_pointer<state_writer_state> self,
             node_context* node);

} // namespace callboard
