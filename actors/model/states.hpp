#pragma once

#include "actors/model/problem.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace callboard {

/// A run's status. The numbers are stored.
enum class run_status : std::uint8_t {
  pending = 1,
  running = 2,
  paused = 3,
  completed = 4,
  failed = 5,
  cancelled = 6,
};

/// A step's status. The numbers are stored.
enum class step_status : std::uint8_t {
  pending = 1,
  running = 2,
  waiting = 3,
  retrying = 4,
  completed = 5,
  failed = 6,
  skipped = 7,
  cancelled = 8,
};

std::string_view to_string(run_status x) noexcept;
std::string_view to_string(step_status x) noexcept;
std::optional<run_status> parse_run_status(std::string_view text) noexcept;
std::optional<step_status> parse_step_status(std::string_view text) noexcept;

/// Nothing leaves an ended run; of ended steps only failed -> retrying.
bool is_ended(run_status x) noexcept;
bool is_ended(step_status x) noexcept;

/// Whether a run (step) may go from `from` to `to`. Staying is always allowed.
bool may_follow(run_status from, run_status to) noexcept;
bool may_follow(step_status from, step_status to) noexcept;

} // namespace callboard
