#pragma once

#include "transport/outbound_frame.hpp"
#include "transport/socket_client.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace callboard::signalr {

/// The ways of a connection to its client.
enum class transport_kind : std::uint8_t { none, websocket, stream, polling };

std::string_view to_string(transport_kind x) noexcept;

/// What may be on its way in a link. The rest waits in the session's queue,
/// where it can be dropped and come again from history.
inline constexpr std::size_t link_bytes = 64u << 10;

/// From a session to its client, over one of the transports. On the session's
/// thread.
class hub_link {
public:
  virtual ~hub_link() = default;

  virtual transport_kind kind() const noexcept = 0;

  /// Whether it takes more now. The session's pump() is called when it does
  /// again.
  virtual bool has_room() const noexcept = 0;

  /// Takes a frame of whole records, whether it has room or not.
  virtual void send(const frame_ptr& x) = 0;

  /// What was sent goes out now, if it has not yet.
  virtual void flush() = 0;

  /// Has the session's pump() called soon.
  virtual void wake() = 0;

  /// About once a second.
  virtual void tick(std::chrono::steady_clock::time_point now) {
    (void)now; // not every link has times of its own
  }

  /// Nothing more is sent; closes when all is gone.
  virtual void close(close_code code, std::string_view reason) = 0;
};

} // namespace callboard::signalr
