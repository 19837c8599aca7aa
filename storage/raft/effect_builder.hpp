#pragma once

#include "storage/raft/consensus.hpp"

#include <deque>
#include <optional>
#include <vector>

namespace callboard {

/// Puts the effects of one call together and keeps what outlives it: which
/// tickets are on their way to the disk and which messages wait for them.
///
/// A new term or vote is a gate: no message leaves, from the call that made it
/// on, before it is durable. Messages leave in the order in which they were
/// made.
class effect_builder {
public:
  /// Begins a call: effects are empty.
  void begin();

  void hard(const hard_state& x);

  /// Drops `from` .. `last`, entries that earlier calls appended.
  void erase(log_index from, log_index last);
  void append(const log_entry& x);

  /// The log is emptied: nothing that earlier calls appended counts any more.
  void install(state_descriptor x);
  void send(raft_message_out x);
  void apply(const log_entry& x);
  void read(read_outcome x);
  void request_state(const state_request& x);
  void leadership_changed();

  /// Makes messages of this call wait although it wrote no term: what they say
  /// rests on something else that it wrote.
  void gate();

  /// Everything up to `done` is durable.
  /// @returns the last index of the log that thereby is, if any.
  std::optional<log_index> durable(ticket done);

  /// Whether nothing is on its way to the disk.
  bool quiet() const noexcept {
    return writes_.empty();
  }

  /// Ends a call: hands out a ticket and says what may leave when.
  const effects& finish();

private:
  struct pending_write {
    ticket number;
    log_index last; ///< Of its appends that still count; 0: none.
    bool gate;
  };
  struct held_message {
    ticket until;
    raft_message_out message;
  };

  void route_messages(bool gated);
  /// The last gate that is not durable yet; 0: none.
  ticket open_gate() const;

  effects out_;
  bool gate_ = false;
  std::vector<raft_message_out> messages_;
  std::deque<pending_write> writes_;
  std::deque<held_message> held_;
  ticket last_ticket_;
};

} // namespace callboard
