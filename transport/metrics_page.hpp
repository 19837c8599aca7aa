#pragma once

#include "actors/engine.hpp"
#include "config/settings.hpp"
#include "transport/edge_metrics.hpp"

#include <chrono>
#include <string>

namespace callboard {

/// All figures of the node as Prometheus text. Reads atomics and /proc only.
std::string metrics_page(const engine& target, const edge_metrics& edge,
                         const settings& conf,
                         std::chrono::system_clock::time_point started);

} // namespace callboard
