#pragma once

#include "actors/common_messages.hpp"
#include "actors/decider.hpp"
#include "actors/engine.hpp"
#include "actors/slot.hpp"

#include <caf/actor.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

/// What runs, rooms and edges say to each other.
namespace callboard {

// -- edge and rooms
// ------------------------------------------------------------------

/// Events for the viewers of this node.
struct room_events_out {
  std::shared_ptr<const room_batch> batch;
};

/// Answer to join_room_request; comes in order with the events.
struct joined_out {
  hub_id hub;
  room_joined answer;
};

struct streams_out {
  hub_id hub;
  stream_snapshots answer;
};

struct room_lost_out {
  room_key room;
};

/// Another leads the shard (or nobody does): all rooms of it must be joined
/// anew, at a leadership that is no older than `newest`.
struct shard_lost_out {
  shard_id shard;
  raft_term newest;
};

struct answers_out {
  std::vector<answer> answers;
};

/// A hub of a node wants the room's events from now on. Here and below, `node`
/// is where viewers are; 0: this one.
struct join_room_request {
  room_key room;
  hub_id hub;
  std::uint64_t token = 0;
  node_number node;
};

/// No hub of `node` wants them any more.
struct leave_room_request {
  room_key room;
  node_number node;
};

struct ask_streams_request {
  room_key room;
  hub_id hub;
  std::uint64_t token = 0;
  node_number node;
};

/// `node` wants the live events of all rooms of a tenant (or no more).
struct watch_tenant_request {
  tenant_id tenant;
  node_number node;
  bool on = true;
};

/// Applied events of one room, in order, and what they mean for its streams.
struct room_publish {
  event_seq oldest; ///< First event kept by now; 0: as before.
  std::shared_ptr<const room_batch> batch;
  std::vector<std::pair<std::uint32_t, stream_note>> notes; ///< By place in it.
};

// -- deciding
// --------------------------------------------------------------------------

struct decide_items {
  std::uint64_t slot = 0;
  std::shared_ptr<const publish_request> request;
  std::vector<std::uint32_t> items;
};

struct decide_command {
  std::uint64_t slot = 0;
  std::shared_ptr<const command_arguments> command;
  run_id successor;
};

using run_actor
  = caf::typed_actor<caf::reacts_to<decide_items>,
                     caf::reacts_to<decide_command>, caf::reacts_to<ids_found>,
                     caf::replies_to<describe>::with<description>>;

using room_actor = caf::typed_actor<
  caf::reacts_to<decide_items>, caf::reacts_to<ids_found>,
  caf::reacts_to<room_publish>, caf::reacts_to<join_room_request>,
  caf::reacts_to<leave_room_request>, caf::reacts_to<ask_streams_request>,
  caf::reacts_to<watch_tenant_request>,
  caf::replies_to<describe>::with<description>>;

// -- the edge

/// Requests of hubs (from any thread) to the edge.
struct edge_join {
  hub_id hub;
  room_key room;
  std::uint64_t token = 0;
};
struct edge_leave {
  hub_id hub;
  room_key room;
};
struct edge_watch {
  hub_id hub;
  tenant_id tenant;
  bool on = true;
};
struct edge_ask_streams {
  hub_id hub;
  room_key room;
  std::uint64_t token = 0;
};

/// Brings what rooms and shards say to the hubs of this node.
using edge_actor
  = caf::typed_actor<caf::reacts_to<room_events_out>,
                     caf::reacts_to<joined_out>, caf::reacts_to<streams_out>,
                     caf::reacts_to<room_lost_out>, caf::reacts_to<answers_out>,
                     caf::reacts_to<shard_lost_out>, caf::reacts_to<edge_join>,
                     caf::reacts_to<edge_leave>, caf::reacts_to<edge_watch>,
                     caf::reacts_to<edge_ask_streams>,
                     caf::replies_to<describe>::with<description>>;

} // namespace callboard
