#pragma once

#include "actors/slot.hpp"

/// Requests as they go through a shard.
namespace callboard {

slot_ptr make_slot(const reply_address& to, publish_request x);
slot_ptr make_slot(const reply_address& to, command_request x);

/// The event that makes, changes or (without fields) deletes a definition.
/// errc::invalid: no such fields.
result<slot_ptr> make_slot(const reply_address& to, definition_request x);

} // namespace callboard
