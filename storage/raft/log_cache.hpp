#pragma once

#include "storage/raft/consensus.hpp"

#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace callboard {

/// The part of a replica's log that is in memory: all entries after base(),
/// which is where the log was last trimmed. Payloads are shared with batches
/// and messages, not copied. Entries are contiguous.
class log_cache {
public:
  /// A barrier says nothing; the library's own have eight zeros.
  static constexpr std::string_view barrier_payload{"\0\0\0\0\0\0\0\0", 8};

  /// Takes over what was found on disk.
  void restore(restored_log& found);

  void append(log_entry entry);

  /// Nothing but `state` is left.
  void reset(const state_descriptor& state);

  /// Drops `from` and everything later; `from` is above base().
  void truncate(log_index from);

  /// Drops everything up to and including `upto`, which must be held.
  void trim(log_index upto);

  const log_entry& at(log_index index) const;
  bool holds(log_index index) const noexcept;
  /// 0 when it is not held (and not base()).
  raft_term term_at(log_index index) const noexcept;

  log_index base() const noexcept {
    return base_;
  }
  log_index last() const noexcept {
    return {base_.value + entries_.size()};
  }

  /// The latest configuration at or before `index`, or the earliest one known;
  /// index 0 and empty when there is none.
  std::pair<log_index, std::string> configuration_at(log_index index) const;

private:
  struct configuration {
    log_index index;
    std::string payload;
  };

  log_index base_;
  raft_term base_term_; ///< 0: unknown
  std::deque<log_entry> entries_;
  std::vector<configuration> configurations_; ///< By index; rarely above one.
};

} // namespace callboard
