#pragma once

#include <string>
#include <string_view>

namespace callboard::signalr {

/// Appends a message as one event of a stream (SSE): each of its lines is a
/// field.
void append_stream_event(std::string& out, std::string_view message);

} // namespace callboard::signalr
