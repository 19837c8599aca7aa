#include "transport/metrics_page.hpp"

#include "transport/cluster_metrics.hpp"

#include <prometheus/collectable.h>
#include <prometheus/text_serializer.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>
#include <vector>

namespace callboard {

namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;
using families = metric_families;

void add_engine(families& out, const engine_metrics& x) {
  out.labelled("callboard_events_total",
               "Published events by what became of them", MetricType::Counter,
               "outcome",
               {{"accepted", double(x.events_accepted)},
                {"duplicate", double(x.events_duplicate)},
                {"refused", double(x.events_refused)},
                {"ephemeral", double(x.events_ephemeral)}});
  out.counter("callboard_log_entries_total", "Entries proposed to the log",
              x.entries_proposed);
  out.counter("callboard_log_syncs_total", "Syncs of the log to disk",
              x.log_syncs);
  out.counter("callboard_log_written_bytes_total", "Bytes written to the log",
              x.log_bytes);
  out.counter("callboard_batches_applied_total", "Batches applied to the state",
              x.batches_applied);
  out.counter("callboard_history_reads_total", "Range reads of rooms' history",
              x.history_reads);
  out.counter("callboard_overload_refused_total",
              "Requests refused because too much was in flight",
              x.refused_overload);
  out.gauge("callboard_in_flight_bytes", "Events accepted and not yet durable",
            x.in_flight_bytes);
  out.gauge("callboard_active_runs", "Run actors in memory", x.active_runs);
  out.gauge("callboard_active_rooms", "Room actors in memory", x.active_rooms);
  out.gauge("callboard_shards", "Shards of the node", x.shards);
  out.gauge("callboard_leading_shards", "Shards that this node leads",
            x.leading_shards);
  out.gauge("callboard_cluster_asks",
            "Questions to all nodes or shards, and orders, that are open",
            x.asks);
  out.counter("callboard_cluster_asks_refused_total",
              "Questions and orders refused because of cluster.asks",
              x.asks_refused);
  out.labelled("callboard_moving_states",
               "Replicas' states on their way, at most cluster.moves each way",
               MetricType::Gauge, "way",
               {{"out", double(x.states_out)}, {"in", double(x.states_in)}});
  out.counter("callboard_moving_states_put_off_total",
              "Times a state had to wait because of cluster.moves",
              x.states_put_off);
  out.gauge("callboard_state_disk_bytes", "Size of the state on disk",
            x.state_disk_bytes);
  out.gauge("callboard_log_disk_bytes", "Size of the log on disk",
            x.log_disk_bytes);
  out.gauge("callboard_disk_full",
            "1 while writes are refused for lack of space",
            x.disk_full ? 1.0 : 0.0);
  out.gauge("callboard_disk_recovery_seconds",
            "For how long a database has been coming back from a full disk",
            x.recovery_seconds);
  out.histogram("callboard_log_sync_seconds", "Duration of a sync",
                x.sync_seconds);
  out.histogram("callboard_publish_seconds",
                "From an event's arrival at its shard to its durable answer",
                x.publish_seconds);
  out.histogram("callboard_apply_seconds", "Applying a batch to the state",
                x.apply_seconds);
}

void add_dispatch(families& out, const engine_metrics& x) {
  out.counter("callboard_runs_taken_total", "Runs given to workers",
              x.runs_taken);
  out.labelled(
    "callboard_leases_ended_early_total", "Leases that ended before their runs",
    MetricType::Counter, "how",
    {{"lost", double(x.leases_lost)}, {"released", double(x.leases_released)}});
  out.counter("callboard_runs_given_up_total",
              "Runs that failed because too many workers lost them",
              x.runs_given_up);
  out.counter("callboard_lease_heartbeats_total", "Leases renewed",
              x.heartbeats);
  out.counter("callboard_lease_conflicts_total",
              "Heartbeats of workers that had lost their lease",
              x.lease_conflicts);
  out.gauge("callboard_waiting_workers", "Workers that wait for a run",
            x.waiting_workers);
  out.gauge("callboard_leases", "Runs that workers hold", x.leases);
}

void add_http(families& out, const edge_metrics& x) {
  out.counter("callboard_http_requests_total", "HTTP requests",
              x.http_requests);
  out.counter("callboard_http_problems_total",
              "HTTP requests answered with a problem", x.http_problems);
  std::vector<std::pair<std::string, double>> classes;
  for (std::size_t i = 0; i < x.http_responses.size(); ++i)
    classes.emplace_back(std::to_string(i + 1) + "xx",
                         double(x.http_responses[i]));
  out.labelled("callboard_http_responses_total",
               "HTTP responses by class of status", MetricType::Counter,
               "class", std::move(classes));
  out.histogram("callboard_http_request_seconds",
                "From a request's last byte to its answer",
                x.http_seconds.read());
  out.counter("callboard_slow_requests_total",
              "Requests given up because they came too slowly", x.slow_headers);
  out.counter("callboard_authentication_failures_total", "Tokens refused",
              x.auth_failures);
}

void add_translations(families& out, const edge_metrics& x) {
  std::vector<std::pair<std::string, double>> counts;
  for (auto* words :
       {&node_events(), &hub_events(), &monitor_events(), &phase_events()})
    counts.emplace_back(words->name(), double(x.translations[words->index()]));
  out.labelled("callboard_translations_total",
               "Events said in other words: live ones once per node, those of "
               "the history once per reader",
               MetricType::Counter, "vocabulary", std::move(counts));
}

void add_sessions(families& out, const edge_metrics& x) {
  out.labelled("callboard_sessions", "Connections now", MetricType::Gauge,
               "transport",
               {{"http", double(x.http_sessions)},
                {"websocket", double(x.websocket_sessions)}});
  out.counter("callboard_sessions_opened_total", "Connections accepted",
              x.sessions_opened);
  out.counter("callboard_sessions_closed_total", "Connections ended",
              x.sessions_closed);
  out.counter("callboard_sessions_refused_total",
              "Connections refused as too many", x.sessions_refused);
  out.counter("callboard_sessions_idle_closed_total",
              "Connections closed for their silence", x.idle_closed);
  out.gauge("callboard_subscriptions", "Subscriptions now", x.subscriptions);
  out.counter("callboard_frames_received_total", "WebSocket messages received",
              x.frames_in);
  out.counter("callboard_frames_sent_total", "WebSocket messages sent",
              x.frames_out);
  out.counter("callboard_frames_bad_total", "WebSocket messages refused",
              x.bad_frames);
  out.counter("callboard_received_bytes_total", "Bytes read from clients",
              x.bytes_in);
  out.counter("callboard_sent_bytes_total", "Bytes sent to clients",
              x.bytes_out);
  out.gauge("callboard_signalr_connections",
            "SignalR connections, negotiated ones included",
            x.signalr_connections);
  out.counter("callboard_signalr_resumed_total",
              "SignalR connections that went on with another WebSocket",
              x.signalr_resumed);
  out.counter("callboard_signalr_abandoned_total",
              "SignalR connections whose client did not come (back) in time",
              x.signalr_abandoned);
  out.gauge("callboard_socketio_sessions",
            "Engine.IO sessions, those on long-polling included",
            x.socketio_sessions);
  out.counter("callboard_socketio_recovered_total",
              "Socket.IO clients that were carried on from where they were",
              x.socketio_recovered);
  out.gauge("callboard_outbound_queue_bytes",
            "Bytes that wait for slow clients", x.queued_bytes);
  out.counter("callboard_lagged_total", "Times a viewer fell back to history",
              x.lagged);
  out.counter("callboard_resyncs_total",
              "Times a viewer asked for history that is gone", x.resyncs);
}

void add_limits(families& out, const settings& conf) {
  auto& x = conf.limits;
  out.labelled("callboard_limit_bytes", "Configured limits in bytes",
               MetricType::Gauge, "limit",
               {{"event", double(x.event_bytes)},
                {"message", double(x.message_bytes)},
                {"body", double(x.body_bytes)},
                {"header", double(x.header_bytes)},
                {"outbound_queue", double(x.outbound_queue_bytes)},
                {"proposals_in_flight", double(x.proposal_bytes_in_flight)},
                {"stream_text", double(x.stream_text_bytes)},
                {"signalr_reconnect_buffer",
                 double(conf.signalr.reconnect_buffer_bytes)}});
  out.labelled(
    "callboard_limit_count", "Configured limits in numbers", MetricType::Gauge,
    "limit",
    {{"subscriptions", double(x.subscriptions)},
     {"events_per_request", double(x.events_per_request)},
     {"requests_in_flight", double(x.requests_in_flight)},
     {"json_depth", double(x.json_depth)},
     {"steps_per_run", double(x.steps_per_run)},
     {"sessions", double(conf.listen.max_sessions)},
     {"signalr_connections", double(conf.signalr.max_connections)},
     {"socketio_connections", double(conf.socketio.max_connections)}});
  auto seconds
    = [](std::chrono::milliseconds ms) { return double(ms.count()) / 1e3; };
  auto& listen = conf.listen;
  out.labelled("callboard_limit_seconds", "Configured time-outs",
               MetricType::Gauge, "limit",
               {{"header", seconds(listen.header_timeout)},
                {"body", seconds(listen.body_timeout)},
                {"idle", seconds(listen.idle_timeout)},
                {"request", seconds(listen.request_timeout)},
                {"drain", seconds(listen.drain_timeout)}});
}

std::uint64_t resident_bytes() {
  std::ifstream file{"/proc/self/statm"};
  std::uint64_t size = 0, resident = 0;
  file >> size >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::uint64_t open_descriptors() {
  std::error_code ec;
  std::filesystem::directory_iterator at{"/proc/self/fd", ec};
  return ec ? 0 : static_cast<std::uint64_t>(std::distance(begin(at), end(at)));
}

/// The node as Prometheus sees it.
class node_figures final : public prometheus::Collectable {
public:
  node_figures(const engine& target, const edge_metrics& edge,
               const settings& conf,
               std::chrono::system_clock::time_point started)
      : target_{target}, edge_{edge}, conf_{conf}, started_{started} {
    // nop
  }

  std::vector<MetricFamily> Collect() const override {
    families out;
    auto engine = target_.metrics();
    add_engine(out, engine);
    add_dispatch(out, engine);
    add_cluster_metrics(out, engine);
    add_http(out, edge_);
    add_sessions(out, edge_);
    add_translations(out, edge_);
    add_limits(out, conf_);
    out.gauge("callboard_ready", "1 while the node is ready to serve",
              target_.ready().ready ? 1.0 : 0.0);
    out.gauge("callboard_resident_memory_bytes", "Resident memory",
              resident_bytes());
    out.gauge("callboard_open_descriptors", "Open file descriptors",
              open_descriptors());
    auto up = std::chrono::system_clock::now() - started_;
    out.gauge("callboard_uptime_seconds", "Time since the start",
              std::chrono::duration<double>(up).count());
    return std::move(out).take();
  }

private:
  const engine& target_;
  const edge_metrics& edge_;
  const settings& conf_;
  std::chrono::system_clock::time_point started_;
};

} // namespace

std::string metrics_page(const engine& target, const edge_metrics& edge,
                         const settings& conf,
                         std::chrono::system_clock::time_point started) {
  std::ostringstream out;
  prometheus::TextSerializer{}.Serialize(
    out, node_figures{target, edge, conf, started}.Collect());
  return std::move(out).str();
}

} // namespace callboard
