#include "config/setting_fields.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <vector>

namespace callboard {

namespace {

using namespace setting_fields;
using kind = setting_kind;

constexpr std::array<std::string_view, 6> levels{"trace", "debug", "info",
                                                 "warn",  "error", "off"};
constexpr std::array<std::string_view, 2> formats{"text", "json"};

template <auto Key>
constexpr auto node = in<&settings::node, Key>;
template <auto Key>
constexpr auto listen = in<&settings::listen, Key>;
template <auto Key>
constexpr auto limits = in<&settings::limits, Key>;
template <auto Key>
constexpr auto auth = in<&settings::auth, Key>;
template <auto Key>
constexpr auto storage = in<&settings::storage, Key>;
template <auto Key>
constexpr auto engine = in<&settings::engine, Key>;
template <auto Key>
constexpr auto dispatch = in<&settings::dispatch, Key>;
template <auto Key>
constexpr auto signalr = in<&settings::signalr, Key>;
template <auto Key>
constexpr auto socketio = in<&settings::socketio, Key>;
template <auto Key>
constexpr auto logging = in<&settings::log, Key>;

using node_s = settings::node_settings;
using listen_s = settings::listen_settings;
using limit_s = settings::limit_settings;
using auth_s = settings::auth_settings;
using storage_s = settings::storage_settings;
using engine_s = settings::engine_settings;
using dispatch_s = settings::dispatch_settings;
using signalr_s = settings::signalr_settings;
using socketio_s = settings::socketio_settings;
using log_s = settings::log_settings;

constexpr std::array engine_table{
  setting_info{"node", "name", kind::text, node<&node_s::name>,
               "The node's name, as clients and operators see it. Empty: the "
               "host's name."},
  setting_info{"node", "data_dir", kind::path, node<&node_s::data_dir>,
               "Where the node keeps everything that must outlive it. Made if "
               "missing; one process at a time."},
  setting_info{
    "node", "dev", kind::flag, node<&node_s::dev>,
    "Development mode, the same as `serve --dev`: listens on loopback only, "
    "makes a secret if there is none, and prints a token for one day."},

  setting_info{"listen", "address", kind::address, listen<&listen_s::address>,
               "HOST:PORT for HTTP and WebSocket. Port 0 takes any free one."},
  setting_info{
    "listen", "operator_address", kind::address,
    listen<&listen_s::operator_address>,
    "HOST:PORT of a separate listener for /healthz, /readyz, /metrics and "
    "/v1/admin. Empty: none, operators use the common port."},
  setting_info{"listen", "cors_origin", kind::text,
               listen<&listen_s::cors_origin>,
               "Origins whose web pages may call the HTTP interface, such as "
               "https://app.example.org, separated by commas; \"*\" for any. "
               "Empty: none."},
  setting_info{"listen", "threads", kind::count, listen<&listen_s::threads>,
               "Event loops that own the sockets.", 1, 256},
  setting_info{"listen", "max_sessions", kind::count,
               listen<&listen_s::max_sessions>,
               "Connections at a time; more are refused with 503. 0: what the "
               "file-descriptor limit allows.",
               0, 10'000'000},
  setting_info{"listen", "header_timeout", kind::duration,
               listen<&listen_s::header_timeout>,
               "How long a client may take to send a request's header.", 100,
               10 * minute},
  setting_info{
    "listen", "body_timeout", kind::duration, listen<&listen_s::body_timeout>,
    "How long a client may take to send a request's body.", 100, hour},
  setting_info{"listen", "idle_timeout", kind::duration,
               listen<&listen_s::idle_timeout>,
               "A WebSocket peer that is silent for so long (pongs count) is "
               "dropped with 4408, an idle HTTP connection is closed.",
               100, day},
  setting_info{
    "listen", "ping_interval", kind::duration, listen<&listen_s::ping_interval>,
    "How often WebSocket peers are pinged. Keep it below half of idle_timeout.",
    50, day},
  setting_info{"listen", "request_timeout", kind::duration,
               listen<&listen_s::request_timeout>,
               "How long a request may wait for its answer before it gets 503.",
               100, hour},
  setting_info{
    "listen", "drain_timeout", kind::duration, listen<&listen_s::drain_timeout>,
    "How long SIGTERM waits for clients to leave before it closes them.", 0,
    hour},

  setting_info{"limits", "event_bytes", kind::size,
               limits<&limit_s::event_bytes>, "One event, as sent. More: 413.",
               kib, 64 * mib},
  setting_info{"limits", "message_bytes", kind::size,
               limits<&limit_s::message_bytes>,
               "One WebSocket message. More: close 1009.", kib, 64 * mib},
  setting_info{"limits", "body_bytes", kind::size, limits<&limit_s::body_bytes>,
               "One HTTP request body, after decompression too. More: 413.",
               kib, gib},
  setting_info{"limits", "header_bytes", kind::size,
               limits<&limit_s::header_bytes>, "One HTTP request header.", kib,
               mib},
  setting_info{"limits", "outbound_queue_bytes", kind::size,
               limits<&limit_s::outbound_queue_bytes>,
               "What may wait for a slow viewer in memory; past it the viewer "
               "is carried on from history.",
               16 * kib, gib},
  setting_info{"limits", "subscriptions", kind::count,
               limits<&limit_s::subscriptions>,
               "Rooms that one session may watch.", 1, 100'000},
  setting_info{"limits", "events_per_request", kind::count,
               limits<&limit_s::events_per_request>,
               "Events in one publish request.", 1, 1'000'000},
  setting_info{"limits", "requests_in_flight", kind::count,
               limits<&limit_s::requests_in_flight>,
               "Requests of one WebSocket session that may wait for their "
               "answers; reading pauses past it.",
               1, 1'000'000},
  setting_info{"limits", "proposal_bytes_in_flight", kind::size,
               limits<&limit_s::proposal_bytes_in_flight>,
               "What may wait for the disk in one shard; past it publishing "
               "gets 503 with Retry-After.",
               mib, 16 * gib},
  setting_info{"limits", "waiting_calls", kind::count,
               limits<&limit_s::waiting_calls>,
               "Calls that may wait on one node for one shard's leader or for "
               "a majority of its replicas; past it reading and taking get 503 "
               "with Retry-After.",
               16, 100'000'000},
  setting_info{"limits", "json_depth", kind::count,
               limits<&limit_s::json_depth>,
               "Nested arrays and objects in one JSON text.", 4, 1000},
  setting_info{"limits", "stream_text_bytes", kind::size,
               limits<&limit_s::stream_text_bytes>,
               "The end of a streaming step's text that is kept for viewers "
               "who join late.",
               0, 16 * mib},
  setting_info{"limits", "steps_per_run", kind::count,
               limits<&limit_s::steps_per_run>, "Steps in one run.", 1,
               10'000'000},

  setting_info{
    "auth",
    "secret",
    kind::text,
    auth<&auth_s::secret>,
    "The HS256 secret that signs and checks tokens. From the environment only: "
    "files are copied about and flags show in the process list.",
    0,
    0,
    {},
    true},
  setting_info{
    "auth", "secret_file", kind::path, auth<&auth_s::secret_file>,
    "A file that holds the HS256 secret, unless CALLBOARD_AUTH_SECRET gives "
    "it. One newline at the end is not part of it."},
  setting_info{"auth", "issuer", kind::text, auth<&auth_s::issuer>,
               "Tokens must have this claim `iss`. Empty: not checked."},
  setting_info{"auth", "audience", kind::text, auth<&auth_s::audience>,
               "Tokens must have this claim `aud`. Empty: not checked."},
  setting_info{"auth", "require_expiry", kind::flag,
               auth<&auth_s::require_expiry>, "Refuse tokens without `exp`."},

  setting_info{"storage", "block_cache_bytes", kind::size,
               storage<&storage_s::block_cache_bytes>,
               "Memory for blocks read from disk, shared by both databases.",
               mib, tib},
  setting_info{
    "storage", "write_buffer_bytes", kind::size,
    storage<&storage_s::write_buffer_bytes>,
    "Memory for writes that are not in files yet, shared by both databases.",
    8 * mib, tib},
  setting_info{"storage", "flush_after_log_bytes", kind::size,
               storage<&storage_s::flush_after_log_bytes>,
               "The state is flushed when so much log has piled up since; a "
               "restart replays at most about that.",
               mib, tib},
  setting_info{"storage", "readers", kind::count, storage<&storage_s::readers>,
               "Threads that read history and answer queries.", 1, 256},
  setting_info{"storage", "min_free_bytes", kind::size,
               storage<&storage_s::min_free_bytes>,
               "With less free space on the disk (or 5 % of it, if that is "
               "less) publishing gets 503 until there is room again.",
               0, tib},
  setting_info{"storage", "recovery_timeout", kind::duration,
               storage<&storage_s::recovery_timeout>,
               "How long a database may take to be written again after its "
               "disk was full. The process ends when it takes longer, to be "
               "started again. 0: no limit.",
               0, hour},
  setting_info{
    "storage", "retain_events", kind::count, storage<&storage_s::retain_events>,
    "Events that are kept of each project. 0: all.", 0, 1'000'000'000'000},
  setting_info{"storage", "retain_age", kind::duration,
               storage<&storage_s::retain_age>,
               "How long events are kept. 0: for ever.", 0, 36'500 * day},

  setting_info{"engine", "shards", kind::count, engine<&engine_s::shards>,
               "Independent logs that projects are spread over. Fixed when the "
               "data directory is made.",
               1, 1024},
  setting_info{"engine", "scheduler_threads", kind::count,
               engine<&engine_s::scheduler_threads>,
               "Threads that run the actors.", 1, 256},
  setting_info{"engine", "passivate_after", kind::duration,
               engine<&engine_s::passivate_after>,
               "A run or room without activity leaves memory after this.", 10,
               day},
  setting_info{
    "engine", "active_run_bytes", kind::size,
    engine<&engine_s::active_run_bytes>,
    "Memory of active runs; past it the ones longest idle leave early.", mib,
    tib},
  setting_info{"engine", "batch_events", kind::count,
               engine<&engine_s::batch_events>, "Events in one log entry.", 1,
               1'000'000},
  setting_info{"engine", "batch_bytes", kind::size,
               engine<&engine_s::batch_bytes>,
               "Bytes in one log entry (one event may be larger).", kib, gib},

  setting_info{"dispatch", "lease", kind::duration,
               dispatch<&dispatch_s::lease>,
               "A worker that holds a run and sends no heartbeat for so long "
               "loses it.",
               100, day},
  setting_info{"dispatch", "max_attempts", kind::count,
               dispatch<&dispatch_s::max_attempts>,
               "A run that so many workers have lost fails.", 1, 1'000'000},
  setting_info{
    "dispatch", "max_wait", kind::duration, dispatch<&dispatch_s::max_wait>,
    "How long a worker's request for a run may wait at most.", 0, hour},
  setting_info{"dispatch", "max_waiting", kind::count,
               dispatch<&dispatch_s::max_waiting>,
               "Workers that may wait for runs of one project; more get 429.",
               1, 10'000'000},
};

constexpr std::array edge_table{
  setting_info{"signalr", "max_connections", kind::count,
               signalr<&signalr_s::max_connections>,
               "SignalR connections at a time, those that are negotiated and "
               "not connected yet included; more are refused with 503.",
               1, 10'000'000},
  setting_info{"signalr", "handshake_timeout", kind::duration,
               signalr<&signalr_s::handshake_timeout>,
               "How long a SignalR client may take for its handshake.", 100,
               10 * minute},
  setting_info{"signalr", "keep_alive_interval", kind::duration,
               signalr<&signalr_s::keep_alive_interval>,
               "After so long without a message SignalR clients get a ping. "
               "They give a server up after 30 s without one.",
               50, day},
  setting_info{"signalr", "client_timeout", kind::duration,
               signalr<&signalr_s::client_timeout>,
               "A SignalR client that is silent for so long is dropped; it "
               "sends a ping every 15 s by default.",
               100, day},
  setting_info{"signalr", "disconnect_timeout", kind::duration,
               signalr<&signalr_s::disconnect_timeout>,
               "How long a SignalR connection is kept that has no transport: "
               "negotiated and not connected, between polls, or waiting for a "
               "stateful reconnect.",
               100, day},
  setting_info{"signalr", "poll_timeout", kind::duration,
               signalr<&signalr_s::poll_timeout>,
               "How long a poll of SignalR's long polling waits for something "
               "to say. Clients give up after 100 s.",
               100, hour},
  setting_info{"signalr", "reconnect_buffer_bytes", kind::size,
               signalr<&signalr_s::reconnect_buffer_bytes>,
               "With SignalR's stateful reconnect: what one client may have "
               "been sent and not acknowledged yet; past it, it gets no more "
               "until it has.",
               kib, 64 * mib},

  setting_info{"socketio", "max_connections", kind::count,
               socketio<&socketio_s::max_connections>,
               "Engine.IO sessions at a time, those on long-polling included; "
               "more are refused with 503.",
               1, 10'000'000},
  setting_info{"socketio", "ping_interval", kind::duration,
               socketio<&socketio_s::ping_interval>,
               "How often Socket.IO clients get a ping.", 50, day},
  setting_info{"socketio", "ping_timeout", kind::duration,
               socketio<&socketio_s::ping_timeout>,
               "How long a Socket.IO client may take to answer a ping.", 50,
               day},
  setting_info{"socketio", "upgrade_timeout", kind::duration,
               socketio<&socketio_s::upgrade_timeout>,
               "How long a WebSocket may take to take over from long-polling.",
               50, hour},
  setting_info{"socketio", "connect_timeout", kind::duration,
               socketio<&socketio_s::connect_timeout>,
               "How long a Socket.IO client may take to join a namespace.", 50,
               hour},
  setting_info{
    "socketio", "max_payload", kind::size, socketio<&socketio_s::max_payload>,
    "One message, attachment or body of a Socket.IO client.", kib, 64 * mib},
  setting_info{"socketio", "max_attachments", kind::count,
               socketio<&socketio_s::max_attachments>,
               "Binary attachments of one Socket.IO packet.", 0, 1000},
  setting_info{"socketio", "max_namespaces", kind::count,
               socketio<&socketio_s::max_namespaces>,
               "Namespaces that one Socket.IO connection may join.", 1, 1000},
  setting_info{"socketio", "recovery_window", kind::duration,
               socketio<&socketio_s::recovery_window>,
               "A Socket.IO client that comes back within this time is carried "
               "on where it was (connection state recovery). 0: never.",
               0, 36'500 * day},

  setting_info{"log", "level", kind::choice, logging<&log_s::level>,
               "What is logged, on standard error.", 0, 0, levels},
  setting_info{"log", "format", kind::choice, logging<&log_s::format>,
               "Lines to read, or one JSON object a line.", 0, 0, formats},
};

} // namespace

std::span<const setting_info> setting_table() {
  static const auto table = [] {
    std::vector<setting_info> out{engine_table.begin(), engine_table.end()};
    std::ranges::copy(cluster_table(), std::back_inserter(out));
    std::ranges::copy(edge_table, std::back_inserter(out));
    return out;
  }();
  return table;
}

const setting_info* find_setting(std::string_view section,
                                 std::string_view key) {
  for (const auto& x : setting_table())
    if (x.section == section && x.key == key)
      return &x;
  return nullptr;
}

} // namespace callboard
