#include "actors/watched_call.hpp"

#include <utility>

namespace callboard {

watched_call::watched_call(std::chrono::milliseconds limit,
                           std::function<void()> on_hang) {
  if (limit.count() <= 0)
    return;
  watcher_ = std::jthread{
    [this, limit, on_hang = std::move(on_hang)](const std::stop_token& stop) {
      std::unique_lock lock{mutex_};
      woken_.wait_for(lock, stop, limit, [] { return false; });
      if (!stop.stop_requested())
        on_hang();
    }};
}

} // namespace callboard
