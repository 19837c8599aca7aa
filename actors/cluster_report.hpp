#pragma once

#include "actors/model/cluster_map.hpp"
#include "actors/peers.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace callboard {

/// What one node says of itself: JSON {"name","number","program","uptime_ms",
/// "shards":[descriptions]}.
struct node_report_text {
  std::string json;
};

/// GET /v1/admin/cluster from what the nodes said: contracts/1-native.md and
/// docs/cluster.md name the members. A node that said nothing is down. The
/// figures of a shard are those of its leader. Plain function.
std::string cluster_document(const cluster_map& map,
                             const std::vector<node_report_text>& reports,
                             const std::vector<peer_figures>& links);

} // namespace callboard
