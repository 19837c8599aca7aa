#pragma once

#include "storage/raft/effects.hpp"

#include <cstdint>

namespace callboard {

/// Notices that a group which could make progress makes none. cowsql/raft can
/// get stuck for good (one or two in a thousand runs of constant faults and
/// changes of membership, such as a node that takes itself for a non-voter);
/// then its instance is made anew from the log, which holds the truth.
///
/// Being wrong is cheap: a replica that is made anew costs at most an election.
/// Still, each time it waits twice as long for the next.
class progress_watch {
public:
  explicit progress_watch(std::uint64_t patience_ms) noexcept;

  struct view {
    bool could_move = false; ///< Voters of a majority are heard.
    bool has_leader = false;
    bool has_work = false; ///< Something is known to be not committed here.
    log_index commit{};
  };

  /// @returns whether the replica is stuck; the wait then begins anew.
  bool stuck(const view& x, std::uint64_t now_ms);

private:
  const std::uint64_t first_patience_ms_;
  std::uint64_t patience_ms_;
  log_index commit_;
  std::uint64_t since_ms_ = 0; ///< 0: nothing to wait for.
};

} // namespace callboard
