#pragma once

#include "storage/raft/effects.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace callboard {

/// The leader's side of reads that must not be stale. A round notes the commit
/// index and asks all voters "is your term still T?". When a majority says yes,
/// nobody else can have led when the round began, so that a state applied up to
/// the noted index is current for all reads that were asked before. Reads that
/// come during a round wait for the next: one round serves them all.
///
/// Only whoever answers in the term itself counts, and only answers to this
/// very round: an answer that was given before the read was asked says nothing.
class read_barrier {
public:
  /// @returns the name of the read.
  read_ticket ask();

  /// Begins a round if reads wait and none is under way.
  /// @returns whether it did; then round() is to be sent to the other voters.
  bool begin(log_index commit, std::uint64_t now_ms);

  /// The answer of `from` to `round`.
  void answer(node_number from, std::uint64_t round);

  /// Reads that are settled by `self` and the answers so far, given the voters
  /// of the moment. Empty: no majority yet.
  std::vector<read_outcome> settle(node_number self,
                                   std::span<const group_member> members);

  /// Whether the round has waited so long that messages may be lost.
  bool overdue(std::uint64_t now_ms, std::uint64_t patience_ms);

  /// Leadership is lost, and all reads with it.
  std::vector<read_outcome> abandon();

  std::uint64_t round() const noexcept {
    return round_;
  }
  bool waiting() const noexcept {
    return !asked_.empty() || !in_round_.empty();
  }

private:
  read_ticket last_ticket_;
  std::uint64_t round_ = 0;
  log_index round_commit_;
  std::uint64_t sent_ms_ = 0;
  std::vector<read_ticket> asked_;    ///< For the next round.
  std::vector<read_ticket> in_round_; ///< Empty: none is under way.
  std::vector<node_number> answered_;
};

} // namespace callboard
