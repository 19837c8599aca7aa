#pragma once

#include "actors/remote_codec.hpp"

/// What the messages of actors/remote.hpp consist of; private to
/// remote_codec.cpp. Each unpacks the whole struct, so that a member that was
/// forgotten does not compile.

// -- requests and answers
// ------------------------------------------------------

namespace callboard {

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, lease_arguments& x) {
  auto& [worker, secret, term, max_attempts, claim] = x;
  return f(worker, secret, term, max_attempts, claim);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, command_arguments& x) {
  auto& [what, run, step, asked_by, reason, value, fields, lease] = x;
  return f(what, run, step, asked_by, reason, value, fields, lease);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, command_request& x) {
  auto& [room, arguments] = x;
  return f(room, arguments);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, definition_request& x) {
  auto& [room, id, fields] = x;
  return f(room, id, fields);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, take_request& x) {
  auto& [room, queue, worker, wait] = x;
  return f(room, queue, worker, wait);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, lease_request& x) {
  auto& [op, room, claim, reason] = x;
  return f(op, room, claim, reason);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, history_request& x) {
  auto& [room, after, run, types, max_bytes] = x;
  return f(room, after, run, types, max_bytes);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, publish_answer& x) {
  auto& [results] = x;
  return f(results);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, document_answer& x) {
  auto& [json, http_status, location] = x;
  return f(json, http_status, location) && http_status >= 100
         && http_status <= 599;
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, history_chunk& x) {
  auto& [events, through, head, oldest] = x;
  return f(events, through, head, oldest);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, history_answer& x) {
  auto& [chunk] = x;
  return f(chunk);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, room_joined& x) {
  auto& [room, head, oldest, epoch, token, term] = x;
  return f(room, head, oldest, epoch, token, term);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, stream_snapshots& x) {
  auto& [room, token, events] = x;
  return f(room, token, events);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, find_actors& x) {
  auto& [tenant, kind, limit, cursor] = x;
  return f(tenant, kind, limit, cursor);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, inspect_actor& x) {
  auto& [tenant, kind, id] = x;
  return f(tenant, kind, id);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, find_sessions& x) {
  auto& [tenant, limit, cursor] = x;
  return f(tenant, limit, cursor);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, end_session& x) {
  auto& [tenant, id] = x;
  return f(tenant, id);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, inspect_storage& x) {
  auto& [tenant] = x;
  return f(tenant);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, inspect_cluster&) {
  return f();
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, cluster_order& x) {
  auto& [order, node, shard] = x;
  return f(order, node, shard);
}

} // namespace callboard

// -- queries
// -------------------------------------------------------------------

namespace callboard::query {

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, list_runs& x) {
  auto& [room, statuses, definition, sort, limit, cursor] = x;
  return f(room, statuses, definition, sort, limit, cursor);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, run_detail& x) {
  auto& [room, run, max_events, lease_expires_ms] = x;
  return f(room, run, max_events, lease_expires_ms);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, run_page& x) {
  auto& [room, run, part, limit, cursor, levels, since_ms] = x;
  return f(room, run, part, limit, cursor, levels, since_ms);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, list_definitions& x) {
  auto& [room, limit, cursor] = x;
  return f(room, limit, cursor);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, definition& x) {
  auto& [room, id] = x;
  return f(room, id);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, list_projects& x) {
  auto& [tenant, only, limit, cursor, shard] = x;
  return f(tenant, only, limit, cursor, shard);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, room_events& x) {
  auto& [room, since, types, run, limit] = x;
  return f(room, since, types, run, limit);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, find_run& x) {
  auto& [tenant, run, only, shard] = x;
  return f(tenant, run, only, shard);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, run_phases& x) {
  auto& [room, run, after] = x;
  return f(room, run, after);
}

} // namespace callboard::query

// -- messages
// ------------------------------------------------------------------

namespace callboard::remote {

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, raft& x) {
  auto& [shard, bytes] = x;
  return f(shard, bytes);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, leader_notice& x) {
  auto& [shard, term, leads, members] = x;
  return f(shard, term, leads, members);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, stop_taking& x) {
  auto& [room, token] = x;
  return f(room, token);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, call& x) {
  auto& [shard, token, body] = x;
  return f(shard, token, body);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, call_answer& x) {
  auto& [token, fate, outcome] = x;
  return f(token, fate, outcome);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, call_answers& x) {
  auto& [shard, answers] = x;
  return f(shard, answers);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, join_room& x) {
  auto& [room, hub, token] = x;
  return f(room, hub, token);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, leave_room& x) {
  auto& [room] = x;
  return f(room);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, ask_streams& x) {
  auto& [room, hub, token] = x;
  return f(room, hub, token);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, watch_tenant& x) {
  auto& [shard, tenant, on] = x;
  return f(shard, tenant, on);
}

inline bool inspect(frame_sink& f, room_events& x) {
  auto& [batch] = x;
  return callboard::inspect(f, *batch);
}

inline bool inspect(frame_source& f, room_events& x) {
  auto batch = std::make_shared<room_batch>();
  if (!callboard::inspect(f, *batch))
    return false;
  x.batch = std::move(batch);
  return true;
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, room_joined_by& x) {
  auto& [hub, answer] = x;
  return f(hub, answer);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, streams& x) {
  auto& [hub, answer] = x;
  return f(hub, answer);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, room_gone& x) {
  auto& [room] = x;
  return f(room);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, state_description& x) {
  auto& [shard, stream, description, complete] = x;
  return f(shard, stream, description, complete);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, state_wanted& x) {
  auto& [shard, stream, chunks, refused] = x;
  return f(shard, stream, chunks, refused);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, state_chunk& x) {
  auto& [shard, stream, number, rows] = x;
  return f(shard, stream, number, rows);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, state_digest& x) {
  auto& [shard, applied, digest] = x;
  return f(shard, applied, digest);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, map_notice& x) {
  auto& [map] = x;
  return f(map);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, directory_request& x) {
  auto& [token, order] = x;
  return f(token, order);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, directory_answer& x) {
  auto& [token, outcome] = x;
  return f(token, outcome);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, node_report_request& x) {
  auto& [token] = x;
  return f(token);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, node_report& x) {
  auto& [token, json] = x;
  return f(token, json);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, admin_call& x) {
  auto& [token, request] = x;
  return f(token, request);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, admin_answer& x) {
  auto& [token, json] = x;
  return f(token, json);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, disk_notice& x) {
  auto& [no_space] = x;
  return f(no_space);
}

} // namespace callboard::remote
