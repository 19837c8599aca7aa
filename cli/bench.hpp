#pragma once

#include "cli/client_options.hpp"
#include "cli/exit_status.hpp"
#include "cli/json_object.hpp"
#include "cli/latency_record.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace callboard {

struct bench_options {
  client_options node;
  std::string project = "bench";
  std::size_t projects = 1;     ///< publish: P-0, P-1, … by turns, if several
  std::size_t connections = 8;  ///< publish
  std::size_t outstanding = 64; ///< publish, fanout: requests per connection
  std::size_t batch = 1;        ///< Events in one request.
  std::size_t event_bytes = 300;
  std::uint64_t rate = 0; ///< Events per second in all; 0: as many as go.
  std::chrono::milliseconds time{10'000};
  std::chrono::milliseconds warm_up{2'000};
  std::size_t viewers = 1000; ///< fanout, attach
  std::string viewers_url;   ///< fanout: their nodes; empty: as the publisher's
  bool batch_frames = false; ///< fanout: viewers ask for `?batch=1`
  std::uint64_t history = 10'000; ///< attach: events in the room
  std::size_t at_once = 50;       ///< attach: viewers at a time
  std::size_t idle = 10'000;      ///< idle: connections
  bool subscribed = false;        ///< idle: each watches the project's room
  int pid = 0;                    ///< idle: the node's process; 0: ask /metrics
};

/// Each puts load on a node, prints one JSON object with what it measured, and
/// fails when the node lost, doubled or refused something.
exit_status bench_publish(const bench_options& options);
exit_status bench_fanout(const bench_options& options);
exit_status bench_attach(const bench_options& options);
exit_status bench_idle(const bench_options& options);

/// Adds p50, p90, p99, p99.9 and the maximum, in milliseconds.
json_object& add_latency(json_object& to, std::string_view name,
                         const latency_record& x);

/// As many descriptors as this process may have.
std::size_t raise_descriptor_limit();

/// Nanoseconds of the steady clock.
std::int64_t now_ns() noexcept;

} // namespace callboard
