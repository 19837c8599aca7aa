#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace callboard {

/// What the client verbs look at in an event's frame.
struct event_summary {
  std::string type;
  std::string room;
  std::optional<std::uint64_t> seq; ///< nullopt: ephemeral.
  std::string ts;
  std::string run;
  std::string status; ///< Of a run's update; else empty.
  std::string text;   ///< One line for people, without type and time.
};

/// nullopt if the frame is not JSON or has no type.
std::optional<event_summary> summarize(std::string_view frame);

/// One line for people, with colours when asked.
std::string event_line(const event_summary& event, bool colours);

} // namespace callboard
