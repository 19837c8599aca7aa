#pragma once

#include "transport/vocabularies/vocabulary.hpp"

namespace callboard::signalr {

/// hub_events() as they go over the wire: each message with its separator, so
/// that all connections of a node share the same frames.
const vocabulary& hub_records() noexcept;

} // namespace callboard::signalr
