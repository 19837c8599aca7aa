#pragma once

#include "actors/decider.hpp"
#include "actors/messages.hpp"
#include "actors/node_context.hpp"
#include "actors/stream_texts.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace callboard {

/// One project's room (or a tenant's own) with viewers or recent events, on the
/// shard that leads it. Decides about events that belong to no run, and tells
/// every node that has viewers what is committed: one message per node and
/// batch, whatever the number of viewers.
class room_actor_state {
public:
  static constexpr const char* name = "room";

  explicit room_actor_state(room_actor::pointer self) noexcept : self_{self} {
    // nop
  }

  void init(node_context& node, shard_actor shard, room_key room,
            const room_loaded& stored);

  void handle(decide_items& x);
  void handle(ids_found& x);
  void handle(const room_publish& x);
  void handle(const join_room_request& x);
  void handle(const leave_room_request& x);
  void handle(const ask_streams_request& x);
  void handle(const watch_tenant_request& x);
  description describe() const;

private:
  struct subscriber {
    node_number node; // 0: this one
    bool joined = false;
    bool watching = false;
  };

  void send(decider::outbox& out);
  subscriber& subscribe(node_number node);
  void drop_if_gone(node_number node);

  room_actor::pointer self_;
  node_context* node_ = nullptr;
  shard_actor shard_;
  std::optional<room_decider> decider_;
  std::optional<stream_texts> streams_;
  event_seq head_; // the last number that was told
  event_seq oldest_;
  std::uint64_t epoch_ = 0;
  raft_term term_; // of the leadership that this actor belongs to
  std::vector<subscriber> subscribers_; // nodes: few
};

room_actor::behavior_type
room(room_actor::stateful_pointer<room_actor_state> self, node_context* node,
     shard_actor shard, room_key key, room_loaded stored);

} // namespace callboard
