#pragma once

#include "actors/dispatch_queues.hpp"
#include "actors/engine.hpp"
#include "actors/remote.hpp"
#include "actors/room_messages.hpp"
#include "actors/slot.hpp"
#include "actors/storage_messages.hpp"

#include <caf/actor.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/replies_to.hpp>
#include <caf/type_id.hpp>
#include <caf/typed_actor.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// What the actors of a node say to each other; here, what shards and the
/// cluster actor hear. All of it stays inside the process: payloads travel by
/// pointer and are never serialized. What crosses nodes is in
/// actors/remote.hpp.
namespace callboard {

// -- other nodes
// ------------------------------------------------------------------------

/// A session with another node began (to the cluster actor and every shard).
/// `number` 0: it is no member of our cluster (yet); shards are not told then.
struct peer_came {
  peer_session session;
  peer_identity who;
  node_number number;
};

/// It ended; everything that was asked there is void.
struct peer_went {
  peer_session session;
  node_number number;
};

/// A message of another node. `from` 0: of one that is no member.
struct peer_message {
  peer_session session;
  node_number from;
  std::shared_ptr<remote::message> what; ///< Whoever gets it may empty it.
};

/// There is another map; node_context::map() has it.
struct map_changed {};

/// GET /v1/admin/cluster or an order of an operator.
struct cluster_ask {
  reply_address to;
  admin_request what;
};

/// A question to all shards, wherever they are led.
struct cluster_query {
  reply_address to;
  query::any what;
};

/// A change of the map that a group of this node wants (directory_orders.hpp).
/// Said again until the map shows it.
struct map_wish {
  std::string order;
};

/// Who a node is in the cluster, the map, links; orders of operators.
using cluster_actor = storage_listener::extend<
  caf::reacts_to<peer_came>, caf::reacts_to<peer_went>,
  caf::reacts_to<peer_message>, caf::reacts_to<map_changed>,
  caf::reacts_to<cluster_ask>, caf::reacts_to<cluster_query>,
  caf::reacts_to<map_wish>, caf::reacts_to<tick>,
  caf::replies_to<describe>::with<description>>;

// -- the shard
// ----------------------------------------------------------------------------

/// A request enters the shard.
struct enter {
  slot_ptr request;
};

struct run_loaded {
  room_key room;
  run_id run;
  raft_term term; ///< The leadership that asked; likewise below.
  std::optional<run_brief> brief;
  std::optional<problem> error;
};

struct room_loaded {
  room_key room;
  raft_term term;
  event_seq head;
  event_seq oldest;
  std::uint64_t epoch = 0;
  std::vector<std::pair<definition_id, std::string>>
    definitions; ///< Raw names.
  std::optional<problem> error;
};

/// retry: the old run's fields, a raw JSON object.
struct fields_found {
  std::uint64_t slot = 0;
  std::string fields;
  std::optional<problem> error;
};

/// Events up to `upto` are older than storage.retain_age.
struct room_expired {
  room_key room;
  event_seq upto;
};

/// A worker asks for a run; answered when it has one, or in time with none.
struct take_run {
  reply_address to;
  take_request what;
};

/// It has gone away.
struct stop_taking_runs {
  reply_address to;
  room_key room;
};

/// A worker is alive and goes on with its run.
struct renew_lease {
  reply_address to;
  room_key room;
  lease_claim claim;
};

/// The beginning of a queue.
struct queue_loaded {
  queue_key queue;
  raft_term term;
  queue_page page;
  std::optional<problem> error;
};

/// All leases of the shard, when it begins to lead.
struct leases_loaded {
  raft_term term; ///< It led in this term.
  std::vector<leased_run> leases;
  std::optional<problem> error;
};

/// A read; answered as of a moment at which no other node led.
struct enter_read {
  reply_address to;
  /// A lease_request: a heartbeat, for which the same holds.
  std::variant<query::any, history_request, lease_request> what;
};

/// The node is about to stop: its leaderships go to others.
struct hand_over_now {};

/// Asks the leader to make `node` lead; answered when it is begun.
struct transfer_to {
  reply_address to;
  node_number node;
};

/// A room's or a run's row in the list of actors.
struct actor_entry {
  std::string kind;
  std::string tenant;
  std::string id;
  caf::actor handle;
  std::int64_t last_activity_ms = 0;
};

struct list_actors {
  tenant_id tenant; ///< Empty: all.
  bool runs = true, rooms = true;
};

struct actor_list {
  std::vector<actor_entry> entries;
};

/// Makes sure that the actor lives, and gives it. Not found: null handle.
struct find_actor {
  room_key room;
  run_id run; ///< Empty: the room's own actor.
};

struct found_actor {
  caf::actor handle;
  std::int64_t last_activity_ms = 0;
};

using shard_actor = caf::typed_actor<
  // A producer's or an operator's request; answered through the edge when it is
  // durable and applied, or at once when it is refused.
  caf::reacts_to<enter>,
  // A run or room decided about its part of a request.
  caf::reacts_to<decided>,
  // A run or room has to know whether ids were seen before.
  caf::reacts_to<id_lookup>,
  // The store's answers to activations and look-ups.
  caf::reacts_to<run_loaded>, caf::reacts_to<room_loaded>,
  caf::reacts_to<fields_found>,
  // Propose what has been decided since the last time.
  caf::reacts_to<flush_now>,
  // Progress of the log and of the state.
  caf::reacts_to<log_durable>, caf::reacts_to<state_applied>,
  caf::reacts_to<state_flushed>, caf::reacts_to<state_pinned>,
  caf::reacts_to<state_installed>, caf::reacts_to<state_wiped>,
  caf::reacts_to<state_staged>, caf::reacts_to<stream_over>,
  caf::reacts_to<digest_made>, caf::reacts_to<replica_loaded>,
  caf::reacts_to<export_pinned>,
  // Viewers' nodes come and go.
  caf::reacts_to<join_room_request>, caf::reacts_to<leave_room_request>,
  caf::reacts_to<ask_streams_request>, caf::reacts_to<watch_tenant_request>,
  // Workers.
  caf::reacts_to<take_run>, caf::reacts_to<stop_taking_runs>,
  caf::reacts_to<renew_lease>, caf::reacts_to<queue_loaded>,
  caf::reacts_to<leases_loaded>,
  // Reads, linearizable.
  caf::reacts_to<enter_read>,
  // Other nodes and the map.
  caf::reacts_to<peer_came>, caf::reacts_to<peer_went>,
  caf::reacts_to<peer_message>, caf::reacts_to<map_changed>,
  caf::reacts_to<hand_over_now>, caf::reacts_to<transfer_to>,
  // Time: Raft, passivation, retention.
  caf::reacts_to<tick>, caf::reacts_to<room_expired>,
  // Operators.
  caf::replies_to<list_actors>::with<actor_list>,
  caf::replies_to<find_actor>::with<found_actor>,
  caf::replies_to<describe>::with<description>,
  caf::replies_to<drain_now>::with<drained>>;

} // namespace callboard

#include "actors/type_ids.hpp"
