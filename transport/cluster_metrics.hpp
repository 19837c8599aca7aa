#pragma once

#include "actors/engine.hpp"
#include "transport/metric_families.hpp"

namespace callboard {

/// The figures of each shard's replica on this node, and of the links to its
/// peers. Nothing if the node is no part of a cluster.
void add_cluster_metrics(metric_families& out, const engine_metrics& x);

} // namespace callboard
