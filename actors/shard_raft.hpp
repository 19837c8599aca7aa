#pragma once

#include "actors/messages.hpp"
#include "actors/node_context.hpp"
#include "storage/raft/consensus.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

namespace callboard {

/// Drives one Raft replica: gives it events and carries its effects out, in
/// their order, through the log writer and the state writer. Used by the
/// shard's actor only.
class shard_raft {
public:
  shard_raft(node_context& node, shard_id shard);

  /// Loads the log and starts. `me` hears of progress.
  result<void> start(storage_listener me, std::uint64_t now_ms);

  void tick(std::uint64_t now_ms);

  /// Appends one command. @returns its index.
  result<log_index> propose(shared_bytes payload, std::uint64_t now_ms);

  void on_durable(ticket done, std::uint64_t now_ms);

  /// The state is applied up to here.
  void on_applied(log_index upto);

  /// The state is durable up to here: asks for a trim of the log.
  void on_flushed(log_index upto);

  /// Leads, and has applied everything that came before its term: may decide.
  bool ready() const noexcept {
    return raft_->leading() && ready_at_ && applied_ >= *ready_at_;
  }

  /// Appends that are not synced yet.
  std::size_t unsynced() const noexcept {
    return unsynced_.size();
  }

  log_index applied() const noexcept {
    return applied_;
  }

  const consensus& raft() const noexcept {
    return *raft_;
  }

private:
  void carry_out(const effects& x);

  node_context& node_;
  shard_id shard_;
  storage_listener me_;
  std::unique_ptr<consensus> raft_;
  log_index stored_last_; // last entry that was sent to the log
  log_index applied_;
  log_index trimmed_;
  std::optional<log_index> ready_at_; // this term's barrier
  std::deque<ticket> unsynced_;       // in the order of their tickets
};

} // namespace callboard
