#pragma once

#include "actors/messages.hpp"
#include "actors/slot.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace callboard {

/// A run's place in its shard: its actor, or who waits for it to start.
struct run_entry {
  run_actor actor; ///< Null while the store is asked.
  std::vector<std::variant<decide_items, decide_command>> early;
  std::vector<std::uint64_t> finders; ///< find_actor requests that wait for it.
  std::size_t deciding = 0;     ///< Requests sent that it has not decided.
  std::uint64_t last_batch = 0; ///< Last batch with an event of it.
  std::int64_t last_activity_ms = 0;
};

/// A room's place in its shard: its actor, its runs, and its requests in the
/// order of their arrival.
struct room_entry {
  room_key key;
  room_actor actor;  ///< Null while the store is asked.
  event_seq head;    ///< Last number given.
  event_seq told;    ///< Last number that viewers were told of.
  event_seq applied; ///< Last number that the store knows.
  event_seq oldest;
  std::uint64_t epoch = 0;
  std::deque<slot_ptr> lane;
  std::vector<decide_items> early;
  std::vector<std::variant<join_room_request, ask_streams_request>>
    waiting_joins;
  std::vector<std::uint64_t> finders;
  std::unordered_map<run_id, run_entry> runs;
  /// For the runs, which decide beside the shard.
  std::shared_ptr<definition_names> names
    = std::make_shared<definition_names>();
  std::vector<run_loaded> loaded_runs; ///< That wait for the room's names.
  std::vector<node_number> joined;     ///< Where viewers are; 0: here.
  bool lookups_sent = false; ///< For the request at the front of the lane.
  std::uint64_t last_batch = 0;
  std::int64_t last_activity_ms = 0;
  std::uint64_t next_expiry_ms
    = 0; ///< When to look for expired events: steady.
};

/// One event on its way to its room's viewers.
struct post {
  room_entry* room = nullptr;
  posted_event event;
  stream_note note;
};

/// What an event does to the shard's queues and leases once it is applied.
struct dispatch_effect {
  room_key room;
  run_id run;
  dispatch_mark mark = dispatch_mark::none; ///< none: the run has ended.
  dispatch_ptr dispatch;
  bool ended = false;
};

/// A request of which nothing is done, and when that may be said.
struct refused_request {
  slot_ptr request;
  std::uint64_t behind = 0; ///< The last batch that it may rest on.
  log_index current_at;     ///< Nobody else had led when this was committed.
};

/// What one log entry will tell the world: viewers once it is committed, all
/// others once it is applied.
struct open_batch {
  std::uint64_t number = 0;
  log_index index; ///< Of the entry, when it is proposed.
  bool told = false;
  std::vector<post> posts;                              ///< Until it is told.
  std::vector<std::pair<room_entry*, event_seq>> heads; ///< From then on.
  std::vector<slot_ptr> answers;
  std::vector<dispatch_effect> effects;
  std::vector<std::pair<room_entry*, event_seq>> trims;
};

/// A call of this node's clients that goes to the leader of the shard, or waits
/// until there is one.
struct pending_call {
  reply_address to;
  slot_ptr request; ///< publish, command, define; else null and `body` set.
  std::shared_ptr<const remote::call_body> body;
  std::uint64_t until_ms = 0; ///< It waits for a leader so long.
  node_number sent_to;        ///< 0: it waits.
};

/// Who may decide for the shard.
struct shard_leader {
  node_number node; ///< 0: unknown.
  raft_term term;

  friend bool operator==(const shard_leader&, const shard_leader&) = default;
};

} // namespace callboard
