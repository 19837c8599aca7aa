#pragma once

#include "actors/engine.hpp"
#include "actors/peers.hpp"
#include "storage/raft/effects.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

/// What nodes say to each other: plain data, encoded by actors/remote_codec
/// (CAF's binary serializer behind a type byte and a version).
namespace callboard::remote {

// -- Raft
// ------------------------------------------------------------------------

/// For the replica of `shard`; opaque (storage/raft/message).
struct raft {
  shard_id shard;
  std::string bytes;
};

/// The sender leads and may decide; or, with `leads` false, does not any more.
/// Said to all peers when it changes, to each new session, and now and then.
struct leader_notice {
  shard_id shard;
  raft_term term;
  bool leads = true;
  /// By the committed configuration or by one that is not committed yet: who is
  /// not among them, and not wanted there by the map, drops its replica.
  std::vector<node_number> members;
};

// -- calls
// -----------------------------------------------------------------------

/// Stop waiting for a run: the worker has gone.
struct stop_taking {
  room_key room;
  std::uint64_t token = 0; ///< Of the take's call.
};

/// One call on its way to the leader of its shard. Nodes pass it on once.
using call_body = std::variant<publish_request, command_request,
                               definition_request, take_request, lease_request,
                               query::any, history_request, stop_taking>;

struct call {
  shard_id shard;
  std::uint64_t token = 0; ///< The origin's; comes back with the answer.
  call_body body;
};

/// What became of a call at the node it was sent to.
enum class call_fate : std::uint8_t {
  answered = 0,
  not_leading = 1, ///< It did nothing: ask another.
  /// The leadership was lost while it was under way: it may have happened, or
  /// may yet. Only what has ids of its own may be sent again.
  unknown = 2,
};

struct call_answer {
  std::uint64_t token = 0;
  call_fate fate = call_fate::answered;
  decltype(answer::outcome) outcome; ///< Of an answered one.
};

struct call_answers {
  shard_id shard;
  std::vector<call_answer> answers;
};

// -- rooms: to the leader
// ---------------------------------------------------------

/// A hub of the sender wants the room's events. (join_room_request)
struct join_room {
  room_key room;
  hub_id hub;
  std::uint64_t token = 0;
};

struct leave_room {
  room_key room;
};

struct ask_streams {
  room_key room;
  hub_id hub;
  std::uint64_t token = 0;
};

/// The sender wants the live events of all rooms of a tenant that `shard` has.
struct watch_tenant {
  shard_id shard;
  tenant_id tenant;
  bool on = true;
};

// -- rooms: to a node with viewers
// ---------------------------------------------------------

struct room_events {
  std::shared_ptr<const room_batch> batch; ///< Never null.
};

struct room_joined_by {
  hub_id hub;
  room_joined answer;
};

struct streams {
  hub_id hub;
  stream_snapshots answer;
};

struct room_gone {
  room_key room;
};

// -- a replica's state
// ----------------------------------------------------------

/// Sent ahead of a state and behind it: the message of
/// consensus::describe_state().
struct state_description {
  shard_id shard;
  stream_id stream;
  std::string message;
  bool complete = false; ///< Behind the last chunk.
};

/// To the sender: go on from here. The sender keeps at most a few chunks
/// unacknowledged.
struct state_wanted {
  shard_id shard;
  stream_id stream;
  std::uint64_t chunks = 0; ///< So many are staged.
  bool refused = false;     ///< Not needed (any more), or it cannot be staged.
};

struct state_chunk {
  shard_id shard;
  stream_id stream;
  std::uint64_t number = 0; ///< 0, 1, 2, …
  std::string rows;         ///< state_export::next()
};

/// Digest of the state as of `applied`, for the leader.
struct state_digest {
  shard_id shard;
  log_index applied;
  std::uint64_t digest = 0;
};

// -- the cluster
// -----------------------------------------------------------------

/// A cluster begins, or a node is taken into one: the map, encoded.
struct map_notice {
  std::string map;
};

/// What a node would like the directory's leader to change, or asks for.
struct directory_request {
  std::uint64_t token = 0;
  /// JSON object {"change": "...", ...}: see actors/cluster_orders.hpp.
  std::string order;
};

struct directory_answer {
  std::uint64_t token = 0;
  result<std::string> outcome; ///< JSON.
};

/// What a node is, for GET /v1/admin/cluster: replicas with term, indexes, lag.
struct node_report_request {
  std::uint64_t token = 0;
};

struct node_report {
  std::uint64_t token = 0;
  std::string json;
};

/// An admin call about live actors that every node answers for itself.
struct admin_call {
  std::uint64_t token = 0;
  admin_request request;
};

struct admin_answer {
  std::uint64_t token = 0;
  result<std::string> json;
};

/// Why the sender's disk takes no writes, as bits of no_space_reason; 0: it
/// does. Told to all when it changes, and each second while it is not 0.
struct disk_notice {
  std::uint8_t no_space = 0;
};

using message
  = std::variant<raft, leader_notice, call, call_answers, join_room, leave_room,
                 ask_streams, watch_tenant, room_events, room_joined_by,
                 streams, room_gone, state_description, state_wanted,
                 state_chunk, state_digest, map_notice, directory_request,
                 directory_answer, node_report_request, node_report, admin_call,
                 admin_answer, disk_notice>;

/// Bytes of a frame. The place in the variant is the type byte: append only.
std::string encode(const message& x);

/// Anything but such a frame: errc::invalid, with what was wrong. Never
/// allocates more than a small multiple of the frame's size.
result<message> decode(std::string_view frame);

/// A room batch as a frame; made once, however many nodes get it.
shared_bytes encoded(const room_batch& x);

} // namespace callboard::remote
