#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace callboard {

/// Watches a call that may hang and cannot be broken off, for as long as this
/// object lives: if that is longer than `limit`, `on_hang` runs once, on a
/// thread of this object's own. For calls that are rare, since each costs a
/// thread. Belongs to the thread that makes the call.
class watched_call {
public:
  /// `limit` 0: nothing is watched.
  watched_call(std::chrono::milliseconds limit, std::function<void()> on_hang);

  /// The call returned; waits for an `on_hang` that is running.
  ~watched_call() = default;

  watched_call(const watched_call&) = delete;
  watched_call& operator=(const watched_call&) = delete;

private:
  std::mutex mutex_;
  std::condition_variable_any woken_;
  std::jthread watcher_; // last: ends first
};

} // namespace callboard
