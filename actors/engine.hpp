#pragma once

#include "actors/model/event.hpp"
#include "actors/model/ids.hpp"
#include "actors/model/latency_histogram.hpp"
#include "actors/model/problem.hpp"
#include "actors/model/query.hpp"
#include "actors/model/run_machine.hpp"
#include "actors/model/shared_bytes.hpp"
#include "actors/peers.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// The seam between sockets (transport/) and actors (actors/). Neither side
/// sees the other's library: requests go in from any thread and never block;
/// answers and events come out through edge_sink, which only posts.
namespace callboard {

/// One event loop of the transport (an Asio thread and its sessions).
using hub_id = number<struct hub_id_tag>;

/// Where an answer goes. `session` and `request` are the transport's own
/// numbers and come back unchanged.
struct reply_address {
  hub_id hub;
  std::uint64_t session = 0;
  std::uint64_t request = 0;
  /// The engine's: 0: a hub of this node asks. Else a call that another node
  /// passed on, and `request` names it there; `session` is the peer session.
  node_number node = {};

  friend bool operator==(const reply_address&, const reply_address&) = default;
};

/// What became of one published event: `seq` set = durable at that place;
/// `error` set = not applied; neither = ephemeral, passed on.
struct publish_result {
  std::string id; ///< As given or as made; empty if refused without one.
  std::optional<event_seq> seq;
  std::optional<problem> error;
};

struct publish_answer {
  std::vector<publish_result> results; ///< In the order of the request.
};

/// A JSON document and how HTTP should serve it.
struct document_answer {
  std::string json;
  int http_status = 200;
  std::string location = {}; ///< `Location` header (a new run); else empty.
};

struct history_answer {
  history_chunk chunk;
};

struct answer {
  reply_address to;
  result<std::variant<publish_answer, document_answer, history_answer>> outcome;
};

/// One slot of a publish request: a checked draft, or why it was refused at the
/// edge (its place in the results is kept).
using publish_item = std::variant<event_draft, publish_result>;

struct publish_request {
  room_key room; ///< The project; drafts with scope tenant go to the tenant.
  std::vector<publish_item> items;
  std::size_t bytes = 0; ///< What counts against the limit in flight.
  /// Then every event must be of that lease's run, and the lease still good.
  std::optional<lease_claim> lease = {};
};

struct command_request {
  room_key room;
  command_arguments arguments;
};

struct definition_request {
  room_key room;
  definition_id id;
  std::string fields; ///< Raw JSON `{name, phases}`; empty: delete.
};

/// A worker asks for the oldest pending run of a queue.
struct take_request {
  room_key room;
  std::string queue;  ///< A definition's id or a workflow's name.
  std::string worker; ///< As shown to others.
  std::chrono::milliseconds wait{0}; ///< At most dispatch.max_wait.
};

/// A worker says something about a run that it holds.
struct lease_request {
  enum class what : std::uint8_t { heartbeat, release };
  what op = what::heartbeat;
  room_key room;
  lease_claim claim;
  std::string reason; ///< release: plain text or empty.
};

struct find_actors {
  tenant_id tenant; ///< Runs and rooms of this tenant only.
  std::string kind; ///< "run", "room", "shard", "edge"; empty: all.
  std::size_t limit = 50;
  std::string cursor;
};

struct inspect_actor {
  tenant_id tenant;
  std::string kind;
  std::string id; ///< As listed; a run's bare id and "project:p" also do.
};

struct inspect_storage {
  tenant_id tenant;
};

/// GET /v1/admin/cluster.
struct inspect_cluster {};

/// What an operator wants of the cluster; answered when it is decided, not when
/// it is done: GET /v1/admin/cluster shows moves in progress.
struct cluster_order {
  enum class what : std::uint8_t {
    add_node, ///< The node `node`, which is linked and belongs to no cluster.
    remove_node, ///< Its replicas move away, then it goes.
    rebalance,
    transfer, ///< `node` should lead `shard` now.
    pin,      ///< `node` should lead `shard` for good; empty: no pin.
  };
  what order = what::rebalance;
  std::string node;
  std::optional<std::uint32_t> shard; ///< transfer, pin.
};

/// GET /v1/admin/sessions: a page of {"items":[…],"next_cursor"}, by id, of all
/// nodes. Ids are `{node}:{number}`, cursors are ids.
struct find_sessions {
  tenant_id tenant; ///< Empty: all.
  std::size_t limit = 50;
  std::string cursor; ///< Sessions behind this id.
};

/// DELETE /v1/admin/sessions/{id}: wherever it lives. 204, or not_found.
struct end_session {
  tenant_id tenant; ///< Empty: any.
  std::string id;
};

using admin_request
  = std::variant<find_actors, inspect_actor, inspect_storage, inspect_cluster,
                 cluster_order, find_sessions, end_session>;

/// Something that is made of a batch once per node, by whichever thread needs
/// it first.
struct made_once {
  std::once_flag once;
  std::shared_ptr<void> value;
};

/// Events of one room on their way to the hubs, in order. Durable ones are
/// contiguous: the first has `previous` + 1.
struct room_batch {
  room_key room;
  event_seq previous;
  std::vector<posted_event> events;
  /// The leadership that says so: a node takes only batches of the one that it
  /// has joined.
  raft_term term = {};
  /// The transport's: what other vocabularies make of the events.
  mutable std::array<made_once, 4> translations = {};
  mutable made_once encoded = {}; ///< The frame for other nodes.
};

/// A hub has joined a room: it gets every batch with events after `head`.
struct room_joined {
  room_key room;
  event_seq head;
  event_seq oldest;
  std::uint64_t epoch = 0;
  std::uint64_t token = 0; ///< As given to join_room().
  raft_term term = {};     ///< As room_batch::term.
};

/// The texts so far of the room's running streams, in order with the batches:
/// what came before is in it, what comes later is not.
struct stream_snapshots {
  room_key room;
  std::uint64_t token = 0; ///< As given to ask_streams().
  std::vector<posted_event> events;
};

/// The room's owner is gone or changed; the hub must join again and take its
/// viewers on from history.
struct room_lost {
  room_key room;
};

using room_signal = std::variant<std::shared_ptr<const room_batch>, room_joined,
                                 stream_snapshots, room_lost>;

/// Implemented by the transport. Called on actor threads; only posts to the
/// hub's event loop. For one hub, calls arrive in order.
class edge_sink {
public:
  virtual ~edge_sink() = default;
  virtual void answers(hub_id hub, std::vector<answer> xs) = 0;
  virtual void room(hub_id hub, std::vector<room_signal> xs) = 0;
  /// A question about this node's sessions (find_sessions, end_session), maybe
  /// of another node: answered with engine::reply(), once.
  virtual void admin(const reply_address& to, admin_request x) = 0;
};

/// What the node is able to do right now, for /readyz.
struct readiness {
  bool ready = false;
  std::string reason; ///< All that keeps it from that; empty when ready.
};

/// What the node is in a shard's group.
enum class replica_role : std::uint8_t {
  none,    ///< It holds no replica.
  learner, ///< Gets the log, has no vote.
  follower,
  candidate,
  leader,
};

/// Figures of one group as this node's replica sees it; counts since start.
struct shard_figures {
  shard_id shard; ///< directory_shard too.
  replica_role role = replica_role::none;
  std::uint64_t term = 0, commit_index = 0, applied_index = 0, last_index = 0;
  std::uint64_t proposal_bytes = 0; ///< In flight; gauge.
  std::uint64_t waiting_calls = 0;  ///< For a leader or a majority; gauge.
  std::uint64_t leadership_changes = 0, states_sent = 0, states_received = 0,
                digest_mismatches = 0, outliers = 0, replicas_dropped = 0;

  struct follower {
    std::string node;
    std::uint64_t lag = 0; ///< Entries that its log lacks.
    bool voter = true;
  };
  std::vector<follower> followers; ///< Of a leader.
};

/// Figures that /metrics shows of the actors; all since start unless gauges.
struct engine_metrics {
  std::uint64_t events_accepted = 0, events_duplicate = 0, events_refused = 0,
                events_ephemeral = 0, entries_proposed = 0, log_syncs = 0,
                log_bytes = 0, batches_applied = 0, history_reads = 0,
                refused_overload = 0;
  std::uint64_t runs_taken = 0, leases_lost = 0, leases_released = 0,
                runs_given_up = 0, heartbeats = 0, lease_conflicts = 0;
  std::uint64_t in_flight_bytes = 0, active_runs = 0, active_rooms = 0,
                waiting_workers = 0, leases = 0, leading_shards = 0, shards = 0,
                state_disk_bytes = 0, log_disk_bytes = 0;
  std::uint64_t asks = 0,
                asks_refused = 0; ///< See cluster.asks; a gauge first.
  /// Gauges: states of replicas on their way; then how often one had to wait
  /// for cluster.moves.
  std::uint64_t states_out = 0, states_in = 0, states_put_off = 0;
  bool disk_full = false;
  double recovery_seconds = 0; ///< Of a database, under way; else 0.
  latency_histogram::figures sync_seconds, publish_seconds, apply_seconds;
  std::vector<shard_figures> shard_replicas; ///< Only in a cluster.
  std::vector<peer_figures> peers;
};

/// The engine as the transport sees it. All calls from any thread, none blocks;
/// each request gets exactly one answer, or none if the node ends first.
class engine {
public:
  virtual ~engine() = default;

  virtual void publish(const reply_address& to, publish_request x) = 0;
  virtual void command(const reply_address& to, command_request x) = 0;
  virtual void define(const reply_address& to, definition_request x) = 0;
  virtual void ask(const reply_address& to, query::any x) = 0;
  virtual void history(const reply_address& to, history_request x) = 0;
  virtual void admin(const reply_address& to, admin_request x) = 0;
  /// The transport's answer to edge_sink::admin().
  virtual void reply(const reply_address& to, result<document_answer> x) = 0;

  /// Answered with `{"lease","run"}`, or with 204 when there was nothing for so
  /// long.
  virtual void take(const reply_address& to, take_request x) = 0;
  /// The one who asked is gone: a run that it was about to get goes to another.
  virtual void stop_taking(const reply_address& to, const room_key& room) = 0;
  virtual void lease(const reply_address& to, lease_request x) = 0;

  /// Starts the flow of a room's events to a hub; answered with room_joined.
  /// Joining again answers again.
  virtual void join_room(hub_id hub, room_key room, std::uint64_t token) = 0;
  virtual void leave_room(hub_id hub, room_key room) = 0;
  /// All rooms of a tenant: their batches reach the hub without joining (for
  /// viewers of `tenant:{id}`), from now on.
  virtual void watch_tenant(hub_id hub, tenant_id tenant, bool on) = 0;
  virtual void ask_streams(hub_id hub, room_key room, std::uint64_t token) = 0;

  virtual readiness ready() const = 0;
  virtual engine_metrics metrics() const = 0;
  virtual std::string node_name() const = 0;
};

} // namespace callboard
