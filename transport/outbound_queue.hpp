#pragma once

#include "actors/model/ids.hpp"
#include "transport/outbound_frame.hpp"

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace callboard {

struct subscription;

/// What waits to be written to one connection, in order.
///
/// Two kinds of frames: *events* of a subscription, which may be dropped
/// because history has them, and *replies* (answers, notices, control frames),
/// which are never dropped. Events are bounded by `limit_bytes`; whoever pushes
/// looks at over_limit() afterwards and calls drop_events(). Replies are
/// bounded by not reading from the client while reply_bytes() is over the
/// limit.
class outbound_queue {
public:
  explicit outbound_queue(std::size_t limit_bytes) noexcept
      : limit_{limit_bytes} {
    // nop
  }

  void push_reply(frame_ptr x);

  /// `seq` is the (first) event's number; 0 for ephemeral ones.
  void push_event(const frame_ptr& x, subscription& owner, event_seq seq);

  bool empty() const noexcept {
    return first_ == entries_.size();
  }
  std::size_t limit_bytes() const noexcept {
    return limit_;
  }
  std::size_t event_bytes() const noexcept {
    return event_bytes_;
  }
  std::size_t reply_bytes() const noexcept {
    return reply_bytes_;
  }
  std::size_t bytes() const noexcept {
    return event_bytes_ + reply_bytes_;
  }

  /// More events than allowed. A single event is always let through, however
  /// large, or it would never reach anybody.
  bool over_limit() const noexcept {
    return event_bytes_ > limit_ && events_ > 1;
  }

  /// Little enough waits to go on from history.
  bool low() const noexcept {
    return event_bytes_ <= limit_ / 4;
  }

  /// The bytes that come next, as pieces for one gathering write: at most
  /// `out.size()` pieces of about `max_bytes` together (always at least one).
  /// Valid until the queue changes. Returns how many pieces there are.
  std::size_t gather(std::span<std::string_view> out,
                     std::size_t max_bytes) const;

  /// The first `bytes` bytes have been written. Returns how many frames that
  /// completed.
  std::size_t consume(std::size_t bytes);

  /// Takes the next frame out: for transports that do not write gather()ed
  /// bytes. The queue must not be empty.
  frame_ptr pop();

  /// Drops all events but one whose first bytes are already written; calls
  /// `dropped(subscription&, event_seq)` for each, oldest first.
  template <class F>
  void drop_events(F dropped) {
    auto keep = first_;
    for (auto i = first_; i < entries_.size(); ++i) {
      auto& x = entries_[i];
      if (x.owner == nullptr || (i == first_ && written_ > 0)) {
        std::swap(entries_[keep++], x);
        continue;
      }
      dropped(*x.owner, x.seq);
      event_bytes_ -= x.frame->size();
      --events_;
    }
    entries_.resize(keep);
    trim();
  }

  /// `owner` ends: what it has here is still sent, but as if it were replies.
  void detach(const subscription& owner);

  /// Forgets everything.
  void clear();

private:
  struct entry {
    frame_ptr frame;
    subscription* owner = nullptr; ///< nullptr: a reply.
    event_seq seq;
  };

  void trim();

  std::vector<entry> entries_;
  std::size_t first_ = 0;   // entries before this one are gone
  std::size_t written_ = 0; // bytes of the first entry that are gone
  std::size_t event_bytes_ = 0;
  std::size_t reply_bytes_ = 0;
  std::size_t events_ = 0;
  std::size_t limit_;
};

} // namespace callboard
