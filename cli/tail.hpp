#pragma once

#include "cli/client_options.hpp"
#include "cli/exit_status.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace callboard {

enum class tail_format { text, json };

struct tail_options {
  client_options node;
  std::string room;    ///< "project:p", "execution:r", "tenant:t".
  std::string project; ///< Beside an `execution:` room; may be empty.
  std::optional<std::uint64_t> since;
  std::vector<std::string> types;    ///< Patterns; empty: all.
  std::uint64_t count = 0;           ///< End after so many events; 0: no limit.
  std::chrono::milliseconds time{0}; ///< End after this time; 0: no limit.
  std::optional<std::uint64_t> until; ///< End with this sequence number.
  bool until_ended = false;           ///< End when a run of the room ends.
  bool check = false;                 ///< A gap or a repeat is an error.
  std::chrono::milliseconds retry_for{60'000}; ///< Per lost connection.
  tail_format format = tail_format::text;
};

/// `callboard tail`: prints a room's events as they come. A lost connection is
/// made again, going on behind the last event printed.
exit_status tail(const tail_options& options);

} // namespace callboard
