#pragma once

#include "actors/messages.hpp"
#include "actors/node_context.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <set>
#include <unordered_map>
#include <vector>

namespace callboard {

/// Joins the hubs of this node to rooms: one subscription per room and node,
/// however many hubs and viewers look at it. Hands answers and events over to
/// the hubs (edge_sink posts, so nothing here waits).
class edge_state {
public:
  static constexpr const char* name = "edge";

  explicit edge_state(edge_actor::pointer self) noexcept : self_{self} {
    // nop
  }

  void init(node_context& node, edge_sink& sink) noexcept {
    node_ = &node;
    sink_ = &sink;
  }

  void handle(const edge_join& x);
  void handle(const edge_leave& x);
  void handle(const edge_watch& x);
  void handle(const edge_ask_streams& x);

  void handle(const room_events_out& x);
  void handle(joined_out& x);
  void handle(streams_out& x);
  void handle(const room_lost_out& x);
  void handle(const shard_lost_out& x);
  void handle(answers_out& x);

  description describe() const;

private:
  const shard_actor& shard(const room_key& room) const;
  void post(hub_id hub, room_signal x);

  edge_actor::pointer self_;
  node_context* node_ = nullptr;
  edge_sink* sink_ = nullptr;
  /// A room whose events this node gets, from the leadership that it joined.
  struct joined_room {
    std::set<hub_id> hubs;
    raft_term term;
  };

  std::unordered_map<room_key, joined_room> joined_;
  /// The newest leadership that each shard has heard of.
  std::unordered_map<shard_id, raft_term> newest_;
  std::unordered_map<tenant_id, std::set<hub_id>> watching_;
};

edge_actor::behavior_type edge(edge_actor::stateful_pointer<edge_state> self,
                               node_context* node, edge_sink* sink);

} // namespace callboard
