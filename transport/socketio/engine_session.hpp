#pragma once

#include "transport/socketio/engine_packet.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace callboard::engine_io {

struct session_settings {
  std::chrono::milliseconds ping_interval{25'000};
  std::chrono::milliseconds ping_timeout{20'000};
  std::chrono::milliseconds upgrade_timeout{10'000};
  std::size_t max_payload = 1'000'000; ///< Bytes of one message or body.
};

enum class transport_kind : std::uint8_t { polling, websocket };

enum class end_reason : std::uint8_t {
  client_close,     ///< The client said so.
  server_close,     ///< The application, an operator, or a drain.
  transport_closed, ///< The socket is gone, or a poll was given up.
  ping_timeout,
  parse_error,
  overlap, ///< Two polls, or two posts, at a time.
};

/// Codes of the body of a refused request.
enum class refusal : std::uint8_t {
  unknown_transport,
  unknown_sid,
  bad_handshake_method,
  bad_request,
  forbidden,
  unsupported_protocol,
};

/// `{"code":n,"message":…}`
std::string refusal_body(refusal why);

/// What a session does to the world around it.
class session_output {
public:
  virtual ~session_output() = default;
  /// Queues a text packet for the transport in use.
  virtual void put(std::string packet) = 0;
  /// Answers the pending GET at once, with that packet only.
  virtual void release_poll(std::string packet) = 0;
  /// Closes the WebSocket that was probing; its upgrade has failed.
  virtual void drop_probe() = 0;
  /// A message of the client.
  virtual void on_message(std::string data, bool binary) = 0;
  /// Called once; nothing follows.
  virtual void on_end(end_reason why) = 0;
};

/// One Engine.IO 4 session as a state machine: which transport is in use, the
/// upgrade from polling to WebSocket, heartbeats. Knows no sockets and no
/// clock; the caller calls tick() at (or soon after) next_deadline().
class session_machine {
public:
  using time_point = std::chrono::steady_clock::time_point;

  session_machine(const session_settings& conf, std::string sid,
                  transport_kind first, time_point now, session_output& out);

  /// The first packet, with the session's data.
  std::string handshake() const;

  const std::string& sid() const noexcept {
    return sid_;
  }
  bool is_open() const noexcept {
    return open_;
  }
  transport_kind transport() const noexcept {
    return transport_;
  }

  // Polling.
  enum class verdict : std::uint8_t { accepted, refused };

  /// A GET has come. accepted: it is pending until poll_answered(). refused:
  /// answered with 400; a second one at a time ends the session, too.
  verdict poll(time_point now);
  bool has_poll() const noexcept {
    return has_poll_;
  }
  void poll_answered() noexcept {
    has_poll_ = false;
  }
  /// The client has given the pending GET up.
  void poll_lost();

  /// A POST has come. accepted: its packets go to receive() one by one, then
  /// comes post_done(). refused as with poll().
  verdict post();
  void post_done() noexcept {
    has_post_ = false;
  }

  // The transport in use.
  void receive(packet x, time_point now);
  /// Something that is no packet.
  void receive_garbage();
  void transport_lost();

  // Upgrading.
  /// A WebSocket for this session has come. refused: close it.
  verdict begin_probe(time_point now);
  enum class probe_step : std::uint8_t { answer_probe, upgraded, failed };
  /// What came over the probing WebSocket. upgraded: it is the transport now.
  probe_step probe(const std::optional<packet>& x, time_point now);
  void probe_lost() noexcept;

  // Time.
  void tick(time_point now);
  time_point next_deadline() const noexcept;

  /// Tells the client with a close packet (where the transport needs one) and
  /// ends.
  void close(end_reason why = end_reason::server_close);

private:
  void end(end_reason why);
  void release_if_probing(time_point now);

  session_settings conf_;
  std::string sid_;
  session_output& out_;
  transport_kind transport_;
  bool open_ = true;
  bool has_poll_ = false;
  bool has_post_ = false;
  bool probing_ = false;
  bool probe_answered_ = false;
  bool awaits_pong_ = false;
  time_point heartbeat_at_; ///< The next ping, or the end without a pong.
  time_point probe_by_;
  time_point next_release_; ///< A pending poll gets a noop then, if probing.
};

} // namespace callboard::engine_io
