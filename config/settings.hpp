#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace callboard {

/// Everything that can be set, with its default. One table in settings.cpp
/// names each key (TOML section.key, environment CALLBOARD_SECTION_KEY, flag
/// --section-key), its range and its meaning; docs/configuration.md is
/// generated from it.
struct settings {
  struct node_settings {
    std::string name; ///< Empty: the host's name.
    std::string data_dir = "callboard-data";
    bool dev = false; ///< `serve --dev`: loopback, prints a token.
  } node;

  struct listen_settings {
    std::string address
      = "127.0.0.1:8080";         ///< HOST:PORT; port 0: any free one.
    std::string operator_address; ///< Empty: no separate listener.
    /// Origin whose pages may call the HTTP interface ("*": any); empty: none.
    std::string cors_origin;
    std::uint32_t threads = 2;      ///< Event loops (hubs).
    std::uint32_t max_sessions = 0; ///< 0: from the descriptor limit.
    std::chrono::milliseconds header_timeout{10'000};
    std::chrono::milliseconds body_timeout{30'000};
    std::chrono::milliseconds idle_timeout{60'000};
    std::chrono::milliseconds ping_interval{25'000};
    std::chrono::milliseconds request_timeout{30'000};
    std::chrono::milliseconds drain_timeout{10'000};
  } listen;

  struct limit_settings {
    std::uint64_t event_bytes = 1u << 20;
    std::uint64_t message_bytes = 1u << 20; ///< One WebSocket message.
    std::uint64_t body_bytes = 16u << 20;   ///< One HTTP request body.
    std::uint64_t header_bytes = 16u << 10;
    std::uint64_t outbound_queue_bytes = 1u << 20; ///< Per session.
    std::uint64_t subscriptions = 256;             ///< Per session.
    std::uint64_t events_per_request = 10'000;
    std::uint64_t requests_in_flight = 1024;            ///< Per session.
    std::uint64_t proposal_bytes_in_flight = 64u << 20; ///< Per shard.
    std::uint64_t waiting_calls = 65'536; ///< Per shard, on one node.
    std::uint64_t json_depth = 64;
    std::uint64_t stream_text_bytes = 64u << 10; ///< Snapshot of a stream.
    std::uint64_t steps_per_run = 100'000;
  } limits;

  struct auth_settings {
    std::string secret; ///< HS256; from CALLBOARD_AUTH_SECRET only.
    std::string
      secret_file;        ///< Holds the secret; one trailing newline ignored.
    std::string issuer;   ///< Checked when set.
    std::string audience; ///< Checked when set.
    bool require_expiry = true;
  } auth;

  struct storage_settings {
    std::uint64_t block_cache_bytes = 256u << 20;
    std::uint64_t write_buffer_bytes = 192u << 20;
    std::uint64_t flush_after_log_bytes = 64u << 20;
    std::uint32_t readers = 2; ///< History reader threads.
    std::uint64_t min_free_bytes
      = 64u << 20; ///< Below: no writes (or 5 % of the disk, if less).
    /// For a database that comes back from a full disk; 0: no limit.
    std::chrono::milliseconds recovery_timeout{10'000};
    std::uint64_t retain_events = 0;    ///< Per project; 0: all.
    std::chrono::seconds retain_age{0}; ///< 0: for ever.
  } storage;

  struct engine_settings {
    std::uint32_t shards = 16; ///< Fixed when the data directory is created.
    std::uint32_t scheduler_threads = 2;
    std::chrono::milliseconds passivate_after{60'000};
    std::uint64_t active_run_bytes = 256u
                                     << 20; ///< Memory of active run actors.
    std::uint32_t batch_events = 2048;      ///< Events in one log entry.
    std::uint64_t batch_bytes = 1u << 20;
  } engine;

  struct dispatch_settings {
    std::chrono::milliseconds lease{30'000};
    std::uint32_t max_attempts = 3;
    std::chrono::milliseconds max_wait{60'000};
    std::uint32_t max_waiting = 10'000; ///< Workers per project.
  } dispatch;

  struct cluster_settings {
    std::string listen;    ///< HOST:PORT for other nodes; empty: no cluster.
    std::string advertise; ///< Where others dial it; empty: as listen.
    /// Addresses of the nodes that form it, its own among them or not.
    std::string join;        ///< HOST:PORT, separated by commas.
    std::string secret;      ///< From CALLBOARD_CLUSTER_SECRET only.
    std::string secret_file; ///< One trailing newline ignored.
    /// PEM files: mutual TLS between nodes when all three are given. The
    /// certificate names the node (DNS subject alternative name).
    std::string certificate_file, key_file, ca_file;
    std::uint32_t replicas = 3;
    std::chrono::milliseconds election_timeout{500};
    std::chrono::milliseconds heartbeat{100};
    /// A call waits at most so long for its shard to have a leader.
    std::chrono::milliseconds leader_wait{10'000};
    std::chrono::milliseconds link_heartbeat{250};
    std::chrono::milliseconds link_timeout{1500};
    std::chrono::milliseconds dial_timeout{1000};
    std::chrono::milliseconds redial_interval{250};
    std::uint64_t link_queue_bytes = 64u << 20; ///< Per peer and lane.
    std::uint64_t frame_bytes = 32u << 20;      ///< Largest frame of a link.
    std::uint64_t chunk_bytes = 256u << 10;     ///< Of a state that moves.
    std::uint32_t moves = 2; ///< States that a node sends, or gets, at a time.
    /// Questions to all nodes or shards, and orders, that are open at a time.
    std::uint32_t asks = 1024;
    /// How often replicas compare digests of what they hold; 0: never.
    std::chrono::milliseconds digest_interval{60'000};
    /// A replica that differed is given back to the same node only once in it.
    std::chrono::milliseconds rebuild_interval{3'600'000};
  } cluster;

  struct signalr_settings {
    std::uint32_t max_connections = 100'000;
    std::chrono::milliseconds handshake_timeout{15'000};
    std::chrono::milliseconds keep_alive_interval{15'000};
    std::chrono::milliseconds client_timeout{30'000};
    std::chrono::milliseconds disconnect_timeout{30'000};
    std::chrono::milliseconds poll_timeout{90'000};
    std::uint64_t reconnect_buffer_bytes = 100'000; ///< Per connection.
  } signalr;

  struct socketio_settings {
    std::uint32_t max_connections = 100'000;
    std::chrono::milliseconds ping_interval{25'000};
    std::chrono::milliseconds ping_timeout{20'000};
    std::chrono::milliseconds upgrade_timeout{10'000};
    std::chrono::milliseconds connect_timeout{45'000};
    std::uint64_t max_payload = 1'000'000; ///< Bytes of one message or body.
    std::uint32_t max_attachments = 10;    ///< Of one packet.
    std::uint32_t max_namespaces = 16;     ///< Of one connection.
    std::chrono::milliseconds recovery_window{120'000};
  } socketio;

  struct log_settings {
    std::string level = "info";  ///< trace, debug, info, warn, error, off
    std::string format = "text"; ///< text or json
  } log;
};

} // namespace callboard
