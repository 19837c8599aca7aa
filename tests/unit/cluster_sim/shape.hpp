#pragma once

#include <cstddef>
#include <cstdint>

namespace callboard::sim {

/// What kind of history a seed is, besides crashes, cuts and hand-overs, which
/// are in all.
struct history_shape {
  std::size_t founders = 3;
  std::size_t spares = 0;   ///< Nodes that may be taken in.
  bool members = false;     ///< Operators order moves, nodes come and go.
  bool lost_disk = false;   ///< One node loses its data for good.
  bool full_disks = false;  ///< Disks fill up for a while.
  bool slow_stores = false; ///< State stores stand still for a while.
  bool clock_jumps = false; ///< Wall clocks differ by hours and jump.
  bool short_logs = false;  ///< Trimmed soon: who is behind needs the state.
  bool workers = false;     ///< Some runs are taken by workers.
  bool retention = false;   ///< Rooms forget their oldest events.

  /// How long a lease lasts; some are lost in every partition.
  static constexpr std::int64_t lease_ms = 900;
  /// At least so many events of a room are kept.
  static constexpr std::uint64_t kept_events = 10;

  std::size_t nodes() const noexcept {
    return founders + spares;
  }
};

history_shape shape_of(std::uint32_t seed);

} // namespace callboard::sim
