#pragma once

#include "actors/node_context.hpp"
#include "actors/storage_messages.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <optional>

namespace callboard {

/// Makes a staged state that of its shard, durably. nullopt: done.
std::optional<problem> carry_out(node_context& node, const state_install& x);

/// Drops everything of a shard, durably. nullopt: done.
std::optional<problem> carry_out(node_context& node, const state_wipe& x);

/// Does the above for the state writer, one after the other. Spawned detached:
/// in a large store each takes seconds, because files are read and rewritten.
state_mover_actor::behavior_type state_mover(state_mover_actor::pointer self,
                                             node_context* node);

} // namespace callboard
