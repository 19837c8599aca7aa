#pragma once

#include "actors/engine.hpp"

#include <cstddef>
#include <deque>
#include <memory>

namespace callboard {

/// The last few batches of a room, so that a viewer who is only a little behind
/// needs no history read. Contiguous: push() forgets all after a gap.
class recent_batches {
public:
  static constexpr std::size_t max_events = 256;
  static constexpr std::size_t max_bytes = 256u << 10;

  void push(std::shared_ptr<const room_batch> x);
  void clear();

  /// Whether everything after `cursor` is here.
  bool covers(event_seq cursor) const noexcept;

  /// Calls `f(const posted_event&)` for each durable event after `cursor`.
  template <class F>
  void after(event_seq cursor, F f) const {
    for (auto& x : batches_) {
      if (x.last <= cursor)
        continue;
      for (auto& event : x.batch->events)
        if (event.seq > cursor)
          f(event);
    }
  }

private:
  struct kept {
    std::shared_ptr<const room_batch> batch;
    event_seq last;
    std::size_t events;
    std::size_t bytes;
  };

  std::deque<kept> batches_;
  std::size_t events_ = 0;
  std::size_t bytes_ = 0;
};

/// The last number of a batch: `previous` if all its events are ephemeral.
event_seq last_seq(const room_batch& x) noexcept;

} // namespace callboard
