#pragma once

#include "actors/dispatch_queues.hpp"
#include "actors/engine.hpp"
#include "actors/remote.hpp"
#include "actors/slot.hpp"
#include "storage/raft/consensus.hpp"
#include "storage/state_transfer.hpp"

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

/// What the actors of a node say to each other. All of it stays inside the
/// process: payloads travel by pointer and are never serialized. What crosses
/// nodes is in actors/remote.hpp.
namespace callboard {

// -- reading the stores
// ---------------------------------------------------------

/// A piece of work that may wait for the disk; runs on a reader's own thread.
struct read_job {
  std::shared_ptr<std::function<void()>> work;
};

using reader_actor = caf::typed_actor<caf::reacts_to<read_job>>;

// -- log writer, state writer, maintenance
// ---------------------------------------

/// Everything up to `done` is synced.
struct log_durable {
  ticket done;
};

/// Entries up to `upto` are applied; their effects may be told.
struct state_applied {
  log_index upto;
};

/// Entries up to `upto` are durable in the state store.
struct state_flushed {
  log_index upto;
};

/// The state at a check entry, for a digest.
struct state_pinned {
  std::shared_ptr<state_export> state;
};

/// A staged state has become the shard's state, durably.
struct state_installed {
  stream_id stream;
};

/// Nothing of the shard is left in the state store.
struct state_wiped {};

/// A replica's state has arrived whole and is staged durably; or it has not,
/// and there is nothing to hand in (empty message).
struct state_staged {
  node_number from;
  stream_id stream;
  std::string message;
};

/// A stream to a follower came to its end, well or not.
struct stream_over {
  stream_id stream;
  std::uint64_t bytes = 0; ///< 0: it was not needed or it broke.
};

/// The digest of this replica's state as of `applied`.
struct digest_made {
  log_index applied;
  std::uint64_t digest = 0;
};

/// Whoever drives a replica hears of its disk from here.
using storage_listener
  = caf::typed_actor<caf::reacts_to<log_durable>, caf::reacts_to<state_applied>,
                     caf::reacts_to<state_flushed>,
                     caf::reacts_to<state_pinned>,
                     caf::reacts_to<state_installed>,
                     caf::reacts_to<state_wiped>, caf::reacts_to<state_staged>,
                     caf::reacts_to<stream_over>, caf::reacts_to<digest_made>>;

/// Persist these, in this order, and tell `from` when it is done.
struct log_append {
  shard_id shard;
  std::optional<hard_state> hard;
  std::optional<log_index> erase_from;
  log_index erase_last;
  std::vector<log_entry> entries;
  std::optional<state_descriptor> install;
  bool installed = false; ///< The state of the last install is durable.
  /// Nothing but the hard state stays; the state store's part follows behind
  /// the sync, and `from` hears state_wiped.
  bool wipe = false;
  ticket after; ///< 0: nobody waits.
  storage_listener from;
};

/// Apply these committed entries and tell `from`.
struct state_apply {
  shard_id shard;
  log_index upto;
  std::vector<log_entry> entries;
  storage_listener from;
};

/// The staged state of `stream` becomes the shard's state, behind what was to
/// be applied before.
struct state_install {
  shard_id shard;
  stream_id stream;
  storage_listener from;
};

/// Drop everything of the shard.
struct state_wipe {
  shard_id shard;
  storage_listener from;
};

/// The log of `shard` is not needed up to `upto` any more.
struct log_trim {
  shard_id shard;
  log_index upto;
  raft_term term;
  log_index configuration_index;
  std::string configuration;
};

/// Sent by an actor to itself: do what has piled up since.
struct flush_now {};

/// Sent by an actor to itself after a while.
struct tick {};

/// Asks for an end in good order; answered when nothing is left to do.
struct drain_now {};

using log_writer_actor
  = caf::typed_actor<caf::reacts_to<log_append>, caf::reacts_to<flush_now>>;

using state_writer_actor
  = caf::typed_actor<caf::reacts_to<state_apply>, caf::reacts_to<state_install>,
                     caf::reacts_to<state_wipe>, caf::reacts_to<flush_now>>;

/// What each shard has applied, for a flush of the state store.
struct flush_state {
  std::vector<std::pair<storage_listener, log_index>> applied;
};

using maintenance_actor
  = caf::typed_actor<caf::reacts_to<flush_state>, caf::reacts_to<log_trim>,
                     caf::reacts_to<tick>>;

/// What their owner passes on to them.
struct stream_message {
  std::shared_ptr<remote::message> what;
};

/// The peer is gone, or the stream is void.
struct stream_void {};

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
/// anew.
struct shard_lost_out {
  shard_id shard;
};

struct answers_out {
  std::vector<answer> answers;
};

/// What rooms and shards send to the edge of a node that has viewers.
using edge_listener
  = caf::typed_actor<caf::reacts_to<room_events_out>,
                     caf::reacts_to<joined_out>, caf::reacts_to<streams_out>,
                     caf::reacts_to<room_lost_out>,
                     caf::reacts_to<answers_out>>;

/// A hub of `edge` wants the room's events from now on.
struct join_room_request {
  room_key room;
  hub_id hub;
  std::uint64_t token = 0;
  edge_listener edge;
};

/// No hub of `edge` wants them any more.
struct leave_room_request {
  room_key room;
  edge_listener edge;
};

struct ask_streams_request {
  room_key room;
  hub_id hub;
  std::uint64_t token = 0;
  edge_listener edge;
};

/// `edge` wants the live events of all rooms of a tenant (or no more).
struct watch_tenant_request {
  tenant_id tenant;
  edge_listener edge;
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

/// Asks a live actor for what operators see.
struct describe {};

struct description {
  std::string state; ///< The actor's own: a JSON object.
  std::size_t mailbox = 0;
  std::size_t memory_bytes = 0;
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

/// Who a node is in the cluster, the map, links; orders of operators.
using cluster_actor = storage_listener::extend<
  caf::reacts_to<peer_came>, caf::reacts_to<peer_went>,
  caf::reacts_to<peer_message>, caf::reacts_to<map_changed>,
  caf::reacts_to<cluster_ask>, caf::reacts_to<cluster_query>,
  caf::reacts_to<tick>, caf::replies_to<describe>::with<description>>;

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

/// No slot is under way.
struct drained {
  bool everything = false;
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
  caf::reacts_to<digest_made>,
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

using edge_actor
  = edge_listener::extend<caf::reacts_to<shard_lost_out>,
                          caf::reacts_to<edge_join>, caf::reacts_to<edge_leave>,
                          caf::reacts_to<edge_watch>,
                          caf::reacts_to<edge_ask_streams>,
                          caf::replies_to<describe>::with<description>>;

} // namespace callboard

#include "actors/type_ids.hpp"
