#pragma once

#include "actors/model/problem.hpp"
#include "transport/outbound_frame.hpp"
#include "transport/signalr/hub_protocol.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

namespace callboard::signalr {

/// What makes a reconnect stateful: keeps what was sent until the client has
/// acknowledged it, and knows which of the client's messages are repetitions.
/// Messages are numbered from 1 in each direction, tracked types only. In
/// memory only; on the hub's thread.
class resend_buffer {
public:
  /// Past `limit_bytes` nothing more should be sent until something is
  /// acknowledged.
  explicit resend_buffer(std::size_t limit_bytes) noexcept
      : limit_{limit_bytes} {
    // nop
  }

  // What we send.

  bool full() const noexcept {
    return bytes_ >= limit_;
  }
  std::size_t bytes() const noexcept {
    return bytes_;
  }

  /// `x` holds tracked messages and is being sent.
  void add(const frame_ptr& x);

  /// The client has everything up to that number. A frame of several messages
  /// is kept until it has them all.
  void acknowledged(std::uint64_t sequence_id);

  /// The number of the first message that resend() gives, or would.
  std::uint64_t first_kept() const noexcept {
    return kept_.empty() ? sent_ + 1 : kept_.front().first;
  }

  /// Calls `f(const frame_ptr&)` for all that was not acknowledged, in order.
  template <class F>
  void for_each_kept(F f) const {
    for (auto& x : kept_)
      f(x.frame);
  }

  // What we receive.

  /// The connection is another: the client says first where it goes on.
  void reconnected() noexcept {
    awaits_sequence_ = true;
  }

  /// Whether a message that has arrived is to be handled: not a repetition, and
  /// not before the client's Sequence on a new connection. Counts it.
  bool admits(message_type type);

  /// The client's Sequence: its next tracked message has that number.
  /// errc::invalid: messages between are missing.
  result<void> restarted(std::uint64_t sequence_id);

  /// What to acknowledge, if there is something new since the last call.
  std::optional<std::uint64_t> take_acknowledgement();

private:
  struct kept_frame {
    frame_ptr frame;
    std::uint64_t first; ///< Number of its first message.
    std::uint64_t last;
  };

  std::size_t limit_;
  std::deque<kept_frame> kept_;
  std::size_t bytes_ = 0;
  std::uint64_t sent_ = 0;          ///< Number of the last message sent.
  std::uint64_t next_received_ = 1; ///< Number of the next one to arrive.
  std::uint64_t received_ = 0;      ///< The highest number that was handled.
  std::uint64_t acknowledged_ = 0;  ///< Told to the client.
  bool awaits_sequence_ = false;
};

} // namespace callboard::signalr
