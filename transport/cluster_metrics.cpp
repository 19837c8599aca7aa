#include "transport/cluster_metrics.hpp"

#include "actors/model/cluster_map.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace callboard {

namespace {

using prometheus::MetricType;

std::string label_of(shard_id shard) {
  return shard == directory_shard ? "directory" : std::to_string(shard.value);
}

struct shard_metric {
  std::string_view name;
  std::string_view help;
  MetricType type;
  double (*value)(const shard_figures&);
};

template <auto Member>
double of_shard(const shard_figures& x) {
  return static_cast<double>(x.*Member);
}

double is_leader(const shard_figures& x) {
  return x.role == replica_role::leader ? 1 : 0;
}

double is_voter(const shard_figures& x) {
  return x.role != replica_role::none && x.role != replica_role::learner ? 1
                                                                         : 0;
}

constexpr std::array shard_metrics{
  shard_metric{"callboard_shard_leader", "1 where this node leads the shard",
               MetricType::Gauge, is_leader},
  shard_metric{"callboard_shard_voter",
               "1 where this node's replica of the shard votes",
               MetricType::Gauge, is_voter},
  shard_metric{"callboard_shard_term", "The term of the shard's group",
               MetricType::Gauge, of_shard<&shard_figures::term>},
  shard_metric{"callboard_shard_last_index", "The last entry of the log",
               MetricType::Gauge, of_shard<&shard_figures::last_index>},
  shard_metric{"callboard_shard_commit_index",
               "The last entry that a majority has", MetricType::Gauge,
               of_shard<&shard_figures::commit_index>},
  shard_metric{"callboard_shard_applied_index",
               "The last entry that the state holds", MetricType::Gauge,
               of_shard<&shard_figures::applied_index>},
  shard_metric{"callboard_shard_proposal_bytes",
               "Events accepted and not yet durable", MetricType::Gauge,
               of_shard<&shard_figures::proposal_bytes>},
  shard_metric{"callboard_shard_waiting_calls",
               "Calls that wait for the leader or for a majority",
               MetricType::Gauge, of_shard<&shard_figures::waiting_calls>},
  shard_metric{"callboard_shard_leadership_changes_total",
               "Times the shard's leader changed", MetricType::Counter,
               of_shard<&shard_figures::leadership_changes>},
  shard_metric{"callboard_shard_states_sent_total",
               "States sent to replicas that lacked the log",
               MetricType::Counter, of_shard<&shard_figures::states_sent>},
  shard_metric{"callboard_shard_states_received_total",
               "States that this replica was given", MetricType::Counter,
               of_shard<&shard_figures::states_received>},
  shard_metric{"callboard_shard_digest_mismatches_total",
               "Comparisons of digests in which replicas differed",
               MetricType::Counter,
               of_shard<&shard_figures::digest_mismatches>},
  shard_metric{"callboard_shard_outliers_total",
               "Replicas that differed from most and were to be taken out, as "
               "the leader found",
               MetricType::Counter, of_shard<&shard_figures::outliers>},
  shard_metric{"callboard_shard_replicas_dropped_total",
               "Times this node dropped its replica", MetricType::Counter,
               of_shard<&shard_figures::replicas_dropped>},
};

struct peer_metric {
  std::string_view name;
  std::string_view help;
  MetricType type;
  double (*value)(const peer_figures&);
};

template <auto Member>
double of_peer(const peer_figures& x) {
  return static_cast<double>(x.*Member);
}

double is_up(const peer_figures& x) {
  return x.up ? 1 : 0;
}

double round_trip_seconds(const peer_figures& x) {
  return static_cast<double>(x.round_trip_us) / 1e6;
}

constexpr std::array peer_metrics{
  peer_metric{"callboard_peer_up", "1 while the peer is linked",
              MetricType::Gauge, is_up},
  peer_metric{"callboard_peer_round_trip_seconds",
              "The last heartbeat's way there and back", MetricType::Gauge,
              round_trip_seconds},
  peer_metric{"callboard_peer_queued_bytes", "What waits for the link",
              MetricType::Gauge, of_peer<&peer_figures::queued_bytes>},
  peer_metric{"callboard_peer_sent_bytes_total", "Bytes sent to the peer",
              MetricType::Counter, of_peer<&peer_figures::bytes_out>},
  peer_metric{"callboard_peer_received_bytes_total", "Bytes got from the peer",
              MetricType::Counter, of_peer<&peer_figures::bytes_in>},
  peer_metric{"callboard_peer_frames_sent_total", "Messages sent to the peer",
              MetricType::Counter, of_peer<&peer_figures::frames_out>},
  peer_metric{"callboard_peer_frames_received_total",
              "Messages got from the peer", MetricType::Counter,
              of_peer<&peer_figures::frames_in>},
  peer_metric{"callboard_peer_sessions_total", "Links made to the peer",
              MetricType::Counter, of_peer<&peer_figures::sessions>},
  peer_metric{"callboard_peer_refused_total",
              "Times the peer was refused (cluster, version, secret)",
              MetricType::Counter, of_peer<&peer_figures::refused>},
};

void add_lag(metric_families& out, const std::vector<shard_figures>& shards) {
  std::vector<metric_families::labelled_value> lags;
  for (const auto& x : shards)
    for (const auto& follower : x.followers)
      lags.push_back({{{"shard", label_of(x.shard)},
                       {"node", follower.node},
                       {"voter", follower.voter ? "true" : "false"}},
                      static_cast<double>(follower.lag)});
  if (!lags.empty())
    out.labelled("callboard_shard_lag_entries",
                 "Entries that a replica lacks, as the leader sees it",
                 MetricType::Gauge, std::move(lags));
}

} // namespace

void add_cluster_metrics(metric_families& out, const engine_metrics& x) {
  if (!x.shard_replicas.empty()) {
    for (const auto& metric : shard_metrics) {
      std::vector<std::pair<std::string, double>> values;
      for (const auto& shard : x.shard_replicas)
        values.emplace_back(label_of(shard.shard), metric.value(shard));
      out.labelled(std::string{metric.name}, std::string{metric.help},
                   metric.type, "shard", std::move(values));
    }
    add_lag(out, x.shard_replicas);
  }
  if (x.peers.empty())
    return;
  for (const auto& metric : peer_metrics) {
    std::vector<std::pair<std::string, double>> values;
    for (const auto& peer : x.peers)
      values.emplace_back(peer.name.empty() ? peer.address : peer.name,
                          metric.value(peer));
    out.labelled(std::string{metric.name}, std::string{metric.help},
                 metric.type, "peer", std::move(values));
  }
}

} // namespace callboard
