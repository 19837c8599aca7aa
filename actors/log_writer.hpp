#pragma once

#include "actors/messages.hpp"
#include "actors/node_context.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <string>
#include <unordered_map>
#include <vector>

namespace callboard {

/// Writes the log of all shards: what arrives while one sync is under way
/// leaves together with the next (group commit). Spawned detached, since
/// write() waits for the disk. With nothing more to write, what waited for the
/// disk goes on in its thread (caller_runs).
///
/// A full disk: the batch that did not fit stays and is tried again every
/// 200 ms; nobody is told that it failed, because parts of it may be on the
/// disk. New commands are refused meanwhile (node_context::no_space). Any other
/// failure ends the process.
class log_writer_state {
public:
  static constexpr const char* name = "log-writer";

  explicit log_writer_state(log_writer_actor::pointer self) noexcept
      : self_{self} {
    // nop
  }

  void init(node_context& node) noexcept {
    node_ = &node;
  }

  void handle(log_append& x);
  void handle(flush_now);

private:
  struct waiting {
    ticket done;
    storage_listener from;
  };

  log_writer_actor::pointer self_;
  node_context* node_ = nullptr;
  log_store::batch batch_; // what the next write carries
  log_store::batch stuck_; // what did not fit; written before anything else
  std::unordered_map<shard_id, waiting> waiting_;
  std::unordered_map<shard_id, waiting> stuck_waiting_;
  std::vector<state_wipe> wipes_, stuck_wipes_;
  bool flush_sent_ = false;
};

log_writer_actor::behavior_type
log_writer(log_writer_actor::stateful_pointer<log_writer_state> self,
           node_context* node);

} // namespace callboard
