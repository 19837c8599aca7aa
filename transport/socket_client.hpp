#pragma once

#include "transport/hub.hpp"
#include "transport/principal.hpp"
#include "transport/viewer.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace callboard {

/// Close codes of RFC 6455 and contract 1.
enum class close_code : std::uint16_t {
  normal = 1000,
  going_away = 1001,
  binary = 1003,
  not_authenticated = 1008,
  too_large = 1009,
  internal = 1011,
  restart = 1012,
  token_expired = 4401,
  forbidden = 4403,
  idle = 4408,
};

/// The WebSocket connection below a socket_client. Hub's thread.
class client_channel {
public:
  virtual ~client_channel() = default;
  /// Has what is in the client's queue written soon.
  virtual void wake() = 0;
  /// Closes after what is queued; nothing is taken any more.
  virtual void close(close_code code, std::string_view reason) = 0;
  virtual std::uint64_t id() const noexcept = 0;
  /// False once a close frame is queued: nothing may follow it.
  virtual bool is_open() const noexcept = 0;
  /// Expires with the connection: answers of the engine may come later.
  virtual std::weak_ptr<void> lifetime() = 0;
};

/// What speaks over one WebSocket connection: a protocol's client, with the
/// queue (`viewer::out`) that the connection writes from. Protocols whose
/// sessions outlive connections have one of these per connection. Knows nothing
/// of sockets. Everything on the hub's thread.
class socket_client : public viewer {
public:
  using viewer::viewer;

  /// The handshake is done. `channel` is good until closed().
  virtual void opened(client_channel& channel) = 0;

  /// One message: UTF-8 if it is text. Binary ones come only if
  /// takes_binary(); else they close the connection with 1003.
  virtual void receive(std::string message, bool binary) = 0;

  virtual bool takes_binary() const noexcept {
    return false;
  }

  /// The connection says goodbye, or has failed: no more events. What is in the
  /// queue may still be written. Called once, or more often.
  virtual void closed() = 0;

  /// Something was written: the queue may be low enough to go on from history.
  virtual void wrote() = 0;

  /// Too much is unanswered, or too many replies wait: read no more for now.
  virtual bool is_busy() const noexcept = 0;
  /// Whether that is because the engine has not answered yet.
  virtual bool awaits_engine() const noexcept = 0;
  /// Whether anything that it asked the engine is still open.
  virtual bool awaits_answers() const noexcept = 0;

  /// About once a second: the token's expiry and the protocol's own times.
  virtual void check_time(std::chrono::steady_clock::time_point now) = 0;

  /// The node ends: tells the client, in its protocol, to come again after
  /// about that time. The connection is closed with 1012 soon after.
  virtual void announce_end(std::chrono::milliseconds reconnect_in) = 0;

  virtual const principal& who() const noexcept = 0;
  virtual std::string_view vocabulary_name() const noexcept = 0;

  /// What operators see of it, but for what the connection knows itself.
  virtual void describe(session::description& x) const;

  /// Whether the connection sends WebSocket pings and gives a silent peer up;
  /// false: the protocol has heartbeats of its own.
  virtual bool wants_pings() const noexcept {
    return true;
  }
};

/// What a WebSocket connection begins with.
struct websocket_opening {
  /// It is accepted, told `notice` (if any), and closed: browsers hide the
  /// answer to a refused upgrade.
  struct refusal {
    close_code code;
    std::string reason; ///< At most 120 bytes.
    std::string notice = {};
  };

  std::shared_ptr<socket_client> client; ///< Not null, even if refused.
  std::string subprotocol = {};          ///< To select; empty: none.
  std::optional<refusal> refused = {};
  /// Larger messages close with 1009; 0: limits.message_bytes.
  std::size_t max_message_bytes = 0;
};

} // namespace callboard
