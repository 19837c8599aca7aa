#pragma once

#include "actors/node_context.hpp"
#include "actors/storage_messages.hpp"

#include <caf/typed_event_based_actor.hpp>

namespace callboard {

/// Gives all actors of a node that drive groups their ticks, at the same
/// moments: one timer wakes one thread for all of them, and what they send to a
/// node leaves together; shards that want none yet (tick_at_ms) are left alone.
/// With a timer for each shard an idle node took twice the processor time.
ticker_actor::behavior_type ticker(ticker_actor::pointer self,
                                   node_context* node);

} // namespace callboard
