#pragma once

#include "actors/model/problem.hpp"

namespace callboard {

/// How the process ends; part of the contract with scripts.
enum class exit_status : int {
  done = 0,
  failed = 1,
  usage = 2,       ///< Wrong arguments or configuration.
  refused = 3,     ///< Authentication, permission, conflict.
  unreachable = 4, ///< Nobody answers, or "not now" to the end.
};

/// The status that goes with a problem.
exit_status status_of(const problem& x) noexcept;

/// Prints `callboard: DETAIL` on standard error; returns the status.
exit_status complain(const problem& x);
exit_status complain(exit_status status, const std::string& detail);

} // namespace callboard
