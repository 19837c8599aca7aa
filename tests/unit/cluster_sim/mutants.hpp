#pragma once

#include "actors/messages.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <random>

namespace callboard::sim {

/// Says "durable" at once, and has it written a while later.
log_writer_actor::behavior_type early_log_writer(log_writer_actor::pointer self,
                                                 log_writer_actor real);

/// Leaves out the content of an entry now and then.
state_writer_actor::behavior_type
careless_state_writer(state_writer_actor::pointer self, state_writer_actor real,
                      std::mt19937* random);

} // namespace callboard::sim
