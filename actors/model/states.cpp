#include "actors/model/states.hpp"

#include <array>
#include <cstddef>

namespace callboard {
namespace {

// By number; 0 is no status.
constexpr std::array<std::string_view, 7> run_names{
  "", "pending", "running", "paused", "completed", "failed", "cancelled"};
constexpr std::array<std::string_view, 9> step_names{
  "",          "pending", "running", "waiting",  "retrying",
  "completed", "failed",  "skipped", "cancelled"};

template <class Status, std::size_t N>
std::optional<Status> find(const std::array<std::string_view, N>& names,
                           std::string_view text) noexcept {
  for (std::size_t i = 1; i < N; ++i)
    if (names[i] == text)
      return static_cast<Status>(i);
  return std::nullopt;
}

template <class Status, std::size_t N>
std::string_view name_of(const std::array<std::string_view, N>& names,
                         Status x) noexcept {
  auto i = static_cast<std::size_t>(x);
  return i < N ? names[i] : std::string_view{};
}

} // namespace

std::string_view to_string(run_status x) noexcept {
  return name_of(run_names, x);
}

std::string_view to_string(step_status x) noexcept {
  return name_of(step_names, x);
}

std::optional<run_status> parse_run_status(std::string_view text) noexcept {
  return find<run_status>(run_names, text);
}

std::optional<step_status> parse_step_status(std::string_view text) noexcept {
  return find<step_status>(step_names, text);
}

bool is_ended(run_status x) noexcept {
  switch (x) {
  case run_status::pending:
  case run_status::running:
  case run_status::paused:
    return false;
  case run_status::completed:
  case run_status::failed:
  case run_status::cancelled:
    return true;
  }
  return true;
}

bool is_ended(step_status x) noexcept {
  switch (x) {
  case step_status::pending:
  case step_status::running:
  case step_status::waiting:
  case step_status::retrying:
    return false;
  case step_status::completed:
  case step_status::failed:
  case step_status::skipped:
  case step_status::cancelled:
    return true;
  }
  return true;
}

bool may_follow(run_status from, run_status to) noexcept {
  if (from == to)
    return true;
  if (is_ended(from))
    return false;
  switch (to) {
  case run_status::pending:
    return false;
  case run_status::running:
    return true;
  case run_status::paused:
  case run_status::completed:
    return from == run_status::running;
  case run_status::failed:
  case run_status::cancelled:
    return true;
  }
  return false;
}

bool may_follow(step_status from, step_status to) noexcept {
  if (from == to || !is_ended(from))
    return true;
  return from == step_status::failed && to == step_status::retrying;
}

} // namespace callboard
