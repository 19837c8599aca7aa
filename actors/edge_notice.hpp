#pragma once

#include "actors/node_context.hpp"
#include "actors/room_messages.hpp"

namespace callboard {

/// What rooms and shards tell the edge of a node that has viewers: this node's
/// (`to` is 0), or another's, over its link and at once; one frame per batch,
/// whatever the number of viewers there. What cannot be queued ends the
/// session, so that the other node joins its rooms anew. Any thread; what one
/// thread of control says arrives in order.
void tell_edge(const node_context& node, node_number to, room_events_out x);
void tell_edge(const node_context& node, node_number to, joined_out x);
void tell_edge(const node_context& node, node_number to, streams_out x);
void tell_edge(const node_context& node, node_number to, room_lost_out x);

} // namespace callboard
