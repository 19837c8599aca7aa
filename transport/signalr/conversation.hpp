#pragma once

#include "transport/signalr/hub_protocol.hpp"
#include "transport/signalr/resend_buffer.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace callboard::signalr {

/// Why a conversation is over, as the client is told.
struct farewell {
  std::string error = {};       ///< Empty: none.
  bool allow_reconnect = false; ///< Whether to come again.
};

/// What a conversation does to the world around it.
class conversation_events {
public:
  virtual ~conversation_events() = default;

  /// A whole record that is not tracked goes out now.
  virtual void say(std::string record) = 0;
  /// The client calls a method; `x` is good during the call only.
  virtual void invoked(const hub_message& x) = 0;
  /// It has acknowledged something: more may be sent.
  virtual void acknowledged() = 0;
  /// Nothing follows. Told once; Close messages are said by whoever hears this.
  virtual void over(farewell why) = 0;
};

/// One client's side of the hub protocol, from its handshake to its end:
/// reads what arrives, in whatever pieces, and keeps the times. Knows no
/// transport, no engine and no clock.
class conversation {
public:
  using clock = std::chrono::steady_clock;

  struct limits {
    std::size_t message_bytes = 1u << 20;
    std::size_t json_depth = 64;
    std::size_t reconnect_buffer_bytes = 100'000;
    std::chrono::milliseconds handshake{15'000};
    std::chrono::milliseconds keep_alive{15'000};
    std::chrono::milliseconds client_silence{30'000};
    bool stateful = false; ///< Both sides want it, and the transport allows it.
  };

  conversation(const limits& limit, conversation_events& events,
               clock::time_point now);

  /// A transport is there: the client's times begin. A second one: goes on with
  /// a Sequence message, which is said at once.
  void connected(clock::time_point now);
  /// The transport is gone.
  void disconnected();

  /// What has arrived.
  void feed(std::string_view text, clock::time_point now);

  /// Something was sent: no ping is needed for a while.
  void sent(clock::time_point now) noexcept {
    last_sent_ = now;
  }
  /// The client was not read from, and is not to blame for its silence.
  void excuse(clock::time_point now) noexcept {
    last_heard_ = now;
  }

  /// About once a second. `inherent`: the transport itself shows that the
  /// client is there (long polling), pings are not sent nor expected.
  void tick(clock::time_point now, bool inherent);

  /// Ends it from this side.
  void end(farewell why);

  /// The handshake is done and it has not ended.
  bool is_open() const noexcept {
    return state_ == state::open;
  }
  bool is_over() const noexcept {
    return state_ == state::over;
  }
  /// Whether the handshake was done at all.
  bool was_open() const noexcept {
    return was_open_;
  }

  /// Whether it may go on over another connection.
  bool is_stateful() const noexcept {
    return buffer_.has_value();
  }
  /// nullptr: this client has no stateful reconnect.
  resend_buffer* buffer() noexcept {
    return buffer_ ? &*buffer_ : nullptr;
  }

private:
  enum class state : std::uint8_t { handshaking, open, over };

  void take(std::string_view record);
  void shake_hands(std::string_view record);
  void handle(const hub_message& x);

  limits limits_;
  conversation_events& events_;
  record_reader records_;
  std::optional<resend_buffer> buffer_;
  state state_ = state::handshaking;
  bool was_open_ = false;
  bool connected_ = false;
  bool reconnecting_ = false;
  clock::time_point began_;
  clock::time_point last_heard_;
  clock::time_point last_sent_;
};

} // namespace callboard::signalr
