#pragma once

#include "storage/raft/consensus.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace callboard::test {

/// What a replica would find on its disk: synced batches only.
struct simulated_disk {
  hard_state hard;
  std::map<std::uint64_t, log_entry> log;
  log_index trimmed;
  raft_term trimmed_term;
  std::pair<log_index, std::string> trimmed_configuration;
  log_index
    flushed; ///< Applied index of the state store, as of its last flush.
  log_position dropped; ///< Where the log of a replica ended that is gone.

  /// Whether entry `index` of `term`, or what stands for it, is here.
  bool holds(log_index index, raft_term term) const;
  raft_term term_at(log_index index) const; ///< 0: not known here

  restored_log load() const;
  /// All but what must outlive a replica.
  void wipe();
};

/// One replica and its machine.
struct simulated_node {
  struct write {
    std::optional<hard_state> hard;
    std::optional<log_index> erase_from;
    std::vector<log_entry> append;
    std::optional<state_descriptor> install;
    ticket number;
    std::vector<raft_message_out> after_sync;
  };

  void persist(const write& x);

  /// What was not synced is lost; `keep_current`: what is being written is not.
  void lose_power(bool keep_current);

  /// The replica goes, with all that it has; `keep_end`: but for where its log
  /// ended.
  void drop_replica(bool keep_end);

  std::uint64_t id = 0;
  std::uint64_t life = 0; ///< Rises with each start and crash.
  bool up = false;
  std::unique_ptr<consensus> replica;

  simulated_disk disk;
  std::deque<write> pending;
  std::deque<write> in_progress;
  bool writing = false;
  bool full = false;
  std::uint64_t slow = 1;

  std::int64_t clock_offset_ms = 0;
  log_index applied;
  std::map<read_ticket, log_index> reads; ///< What each must at least see.

  // What was checked already, in this life.
  log_index commit_seen;
  std::uint64_t led_term = 0;
  std::uint64_t barrier_checked_in = 0; ///< A term.
};

} // namespace callboard::test
