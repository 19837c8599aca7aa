#pragma once

#include "actors/model/latency_histogram.hpp"
#include "transport/vocabularies/vocabulary.hpp"

#include <array>
#include <atomic>
#include <cstdint>

namespace callboard {

/// Events translated, by the index of the vocabulary.
using translation_counters
  = std::array<std::atomic<std::uint64_t>, vocabulary::count>;

/// Counters of the edge, written by all hubs without locks, read by /metrics.
struct edge_metrics {
  using counter = std::atomic<std::uint64_t>;

  counter sessions_opened{0}, sessions_closed{0}, sessions_refused{0};
  counter websocket_sessions{0}; ///< Gauge.
  counter subscriptions{0};      ///< Gauge.
  counter frames_in{0}, frames_out{0}, bytes_in{0}, bytes_out{0};
  counter http_requests{0}, http_problems{0};
  counter http_sessions{0};                ///< Gauge.
  std::array<counter, 5> http_responses{}; ///< By class: 1xx to 5xx.
  latency_histogram http_seconds; ///< From a request's end to its answer.
  counter lagged{0}, resyncs{0};
  counter bad_frames{0}, auth_failures{0}, idle_closed{0}, slow_headers{0};
  counter signalr_connections{0}; ///< Gauge: negotiated and connected ones.
  counter signalr_resumed{0};     ///< WebSockets that took over from others.
  counter signalr_abandoned{0};   ///< Clients that did not come (back) in time.
  counter socketio_sessions{0};   ///< Gauge: polling ones included.
  counter socketio_recovered{0};  ///< Clients carried on from an offset.
  counter queued_bytes{0};        ///< Gauge: outbound, all sessions.
  translation_counters translations{};
};

} // namespace callboard
