#pragma once

#include "tests/unit/cluster_sim/simulated_cluster.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace callboard::sim {

/// Sums over one history or many.
struct history_figures {
  std::uint64_t acknowledged = 0, delivered = 0, sent_again = 0, crashes = 0,
                cuts = 0, full_disks = 0, slow_stores = 0, orders = 0, maps = 0,
                states = 0, taken = 0, leases_lost = 0, skipped = 0;
  std::int64_t simulated_ms = 0;

  history_figures& operator+=(const history_figures& x) noexcept;
};

struct history_report {
  std::vector<std::string> broken; ///< Empty: all promises were kept.
  history_figures figures;
  std::uint64_t fingerprint = 0; ///< Of all that happened, in its order.
};

/// One history: producers and viewers on some nodes while nodes crash and come
/// back, links break, leaders hand over, and whatever else its shape has; then
/// all is repaired, everything must get done and to where the map wants it, and
/// the promises 1 to 5 of the design must have been kept, on every replica.
history_report run_history(std::uint32_t seed, mutant which = mutant::none);

} // namespace callboard::sim
