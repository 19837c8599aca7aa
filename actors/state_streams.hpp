#pragma once

#include "actors/messages.hpp"
#include "actors/node_context.hpp"

#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

namespace callboard {

/// One stream of a shard's state to a follower. The disk is read by readers,
/// one chunk after the other. The peer says how far it is (state_wanted); at
/// most a few chunks are under way, so memory is bounded by
/// cluster.chunk_bytes. Tells `owner` stream_over at its end, which is also the
/// end of it. The owner ends it when it ends itself.
struct state_sender_options {
  shard_id shard;
  stream_id stream;
  node_number to;
  std::string description; ///< consensus::describe_state()
  std::shared_ptr<state_export> state;
  move_slots::slot slot; ///< Of node_context::states_out.
  storage_listener owner;
};

struct state_sender_state {
  static constexpr const char* name = "state-sender";

  node_context* node = nullptr;
  state_sender_options what;
  std::uint64_t sent = 0;   ///< Chunks.
  std::uint64_t bytes = 0;  ///< Of them.
  std::uint64_t wanted = 0; ///< The peer has so many of them.
  bool reading = false;     ///< A reader has `what.state`.
  bool read_all = false;
  std::uint64_t heard_ms = 0; ///< When the peer said something last.
};

caf::behavior state_sender(caf::stateful_actor<state_sender_state>* self,
                           node_context* node,
                           std::shared_ptr<state_sender_options> what);

/// The other end: lets readers stage the chunks, one after the other, and
/// acknowledges them. Tells `owner` state_staged at its end. The owner ends it
/// when it ends itself.
struct state_receiver_options {
  shard_id shard;
  stream_id stream;
  node_number from;
  move_slots::slot slot; ///< Of node_context::states_in.
  storage_listener owner;
};

struct state_receiver_state {
  static constexpr const char* name = "state-receiver";

  node_context* node = nullptr;
  state_receiver_options what;
  /// What the peer sent and is not staged yet; bounded by its window. The
  /// front is with a reader while `busy`.
  std::deque<std::shared_ptr<remote::message>> waiting;
  bool busy = false;
  std::shared_ptr<state_import> staging; ///< Used by one reader at a time.
  std::uint64_t staged = 0;              ///< Chunks.
  std::uint64_t heard_ms = 0;
};

caf::behavior state_receiver(caf::stateful_actor<state_receiver_state>* self,
                             node_context* node, state_receiver_options what);

} // namespace callboard
