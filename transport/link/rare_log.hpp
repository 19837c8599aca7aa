#pragma once

#include <chrono>
#include <map>
#include <string>

namespace callboard {

/// Keeps what happens at every dial out of the log: the same line goes through
/// once a minute. Remembers up to 1024 lines. One thread.
class rare_log {
public:
  using clock = std::chrono::steady_clock;

  /// Whether a line about `what` should be written at `now`.
  bool may_say(const std::string& what, clock::time_point now = clock::now());

private:
  std::map<std::string, clock::time_point> said_;
};

} // namespace callboard
