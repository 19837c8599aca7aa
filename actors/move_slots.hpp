#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace callboard {

/// How many states this node sends, or takes in, at a time: as many as
/// cluster.moves; whoever gets none tries again. Any thread.
class move_slots {
public:
  /// Holds its place as long as it lives; the slots must outlive it.
  using slot = std::shared_ptr<void>;

  /// Null, and counted: `limit` are taken.
  slot take(std::uint32_t limit) {
    auto now = used_.load();
    do
      if (now >= limit) {
        refused_.fetch_add(1);
        return nullptr;
      }
    while (!used_.compare_exchange_weak(now, now + 1));
    return {static_cast<void*>(this), [this](void*) { used_.fetch_sub(1); }};
  }

  std::uint32_t used() const noexcept {
    return used_.load();
  }
  std::uint64_t refused() const noexcept {
    return refused_.load();
  }

private:
  std::atomic<std::uint32_t> used_{0};
  std::atomic<std::uint64_t> refused_{0};
};

} // namespace callboard
