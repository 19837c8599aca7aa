#pragma once

#include "actors/messages.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <cstdint>
#include <random>

/// Guarantees that are broken on purpose, to see that it is noticed: the test
/// of the test.
namespace callboard::sim {

enum class mutant : std::uint8_t {
  none,
  /// Promise 1: appends are reported durable before they are written.
  early_sync,
  /// Promise 2: a node leaves some committed entries out of its state.
  lost_entry,
  /// Promise 3: a node's viewers are not told of some events.
  skipped_event,
  /// Promise 4: stores do not find event ids again.
  forgotten_ids,
  /// Promise 5: whoever asks for a vote is given it.
  forged_votes,
  /// Members: rows get lost on their way to a new replica.
  empty_state,
  /// Leases: they run out too early at one node.
  hasty_leases,
  /// Leases: what comes from another node is not asked for its lease.
  unfenced,
};

/// Says "durable" at once, and has it written a while later.
log_writer_actor::behavior_type early_log_writer(log_writer_actor::pointer self,
                                                 log_writer_actor real);

/// Leaves out the content of an entry now and then.
state_writer_actor::behavior_type
careless_state_writer(state_writer_actor::pointer self, state_writer_actor real,
                      std::mt19937* random);

/// Files events under other ids than theirs.
state_writer_actor::behavior_type
forgetful_state_writer(state_writer_actor::pointer self,
                       state_writer_actor real);

/// What becomes of a frame on its way; most stay as they are.
shared_bytes with_forged_votes(shared_bytes frame);
shared_bytes with_empty_state(shared_bytes frame);
shared_bytes without_lease(shared_bytes frame);

/// The batch without its first durable event, which is not said.
std::shared_ptr<const room_batch> without_first(const room_batch& x);

} // namespace callboard::sim
