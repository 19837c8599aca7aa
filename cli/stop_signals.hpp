#pragma once

#include <signal.h>

#include <thread>

namespace callboard {

/// SIGTERM and SIGINT as something to wait for. Construct it before any other
/// thread starts: it blocks both signals for this thread and all that it
/// starts. SIGPIPE is ignored from then on.
class stop_signals {
public:
  stop_signals();
  ~stop_signals();

  stop_signals(const stop_signals&) = delete;
  stop_signals& operator=(const stop_signals&) = delete;

  /// Returns when one of them arrived, or request() was called.
  void wait();

  /// Lets wait() return. Any thread.
  void request();

  /// From now on another signal ends the process with status 1.
  void end_at_once_on_next();

private:
  sigset_t set_;
  sigset_t previous_;
  std::thread second_;
};

} // namespace callboard
