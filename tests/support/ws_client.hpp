#pragma once

#include "tests/support/http_client.hpp"
#include "tests/support/tcp_socket.hpp"

#include <boost/json/object.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace callboard::test {

/// A text message as it came, and as JSON.
struct ws_message {
  std::string text;
  json::object data;

  /// `type`, or empty.
  std::string_view type() const;
  /// `seq` of an event, or 0.
  std::uint64_t seq() const;
};

/// The server refused the upgrade.
class upgrade_refused : public std::runtime_error {
public:
  explicit upgrade_refused(http_response x)
      : std::runtime_error{"upgrade refused with status "
                           + std::to_string(x.status)},
        response{std::move(x)} {
    // nop
  }

  http_response response;
};

/// The server closed the connection while the test waited for a message.
class ws_closed : public std::runtime_error {
public:
  ws_closed(std::uint16_t code_, std::string reason_)
      : std::runtime_error{"closed with " + std::to_string(code_) + " "
                           + reason_},
        code{code_}, reason{std::move(reason_)} {
    // nop
  }

  std::uint16_t code; ///< 1006: without a close frame.
  std::string reason;
};

/// A WebSocket client written against RFC 6455 alone, so that it shares no code
/// with the server and can send what a well-behaved library would not.
class ws_client {
public:
  enum class token_in { query, header, subprotocol };

  struct options {
    std::string token = {};
    token_in place = token_in::query;
    std::string query = {}; ///< Without `?`, such as "projectId=p1&batch=1".
    std::string path = "/ws";
    bool answers_pings = true;
    tcp_socket::options socket = {};
    header_list headers = {};
  };

  /// Connects and upgrades. @throws upgrade_refused, connection_lost,
  /// timed_out.
  ws_client(std::uint16_t port, const options& opts);

  void send(const json::object& message);
  void send_text(std::string_view text);
  void send_binary(std::string_view bytes);
  /// One frame of any kind; `opcode` 1 text, 2 binary, 8 close, 9 ping.
  void send_frame(unsigned opcode, std::string_view payload, bool final = true,
                  bool masked = true);
  /// Bytes as they are, framed or not.
  void send_raw(std::string_view bytes);

  /// The next message, not parsed. @throws ws_closed, timed_out.
  std::string receive_text(deadline until);

  /// The next message. @throws ws_closed, timed_out.
  ws_message receive(deadline until);
  ws_message receive() {
    return receive(within(patience));
  }

  /// The next message of that type; others are dropped.
  ws_message receive_type(std::string_view type,
                          std::chrono::milliseconds limit = patience);

  /// The next message that fits; others are dropped.
  ws_message receive_if(const std::function<bool(const ws_message&)>& fits,
                        std::chrono::milliseconds limit = patience);

  /// A message if one comes in time.
  std::optional<ws_message> try_receive(std::chrono::milliseconds limit);

  /// Reads until the server closes; returns the code (1006: without a frame).
  std::uint16_t wait_close(std::chrono::milliseconds limit = patience);

  /// Sends a message and returns the next one with the same `ref` (set here).
  ws_message ask(json::object message);

  /// Subscribes; returns `subscribed`. `extra`: since, types, project_id.
  ws_message subscribe(std::string_view room, json::object extra = {});

  void close(std::uint16_t code = 1000);

  /// Closes the socket without a word.
  void abandon() {
    socket_.close();
  }

  const std::string& subprotocol() const {
    return subprotocol_;
  }

  std::uint64_t pings_seen() const {
    return pings_seen_;
  }

  tcp_socket& socket() {
    return socket_;
  }

private:
  /// Takes one frame from the connection and acts on it; a complete text
  /// message is returned.
  std::optional<std::string> step(deadline until);
  void fill(std::size_t count, deadline until);

  bool answers_pings_;
  tcp_socket socket_;
  std::string buffer_;
  std::size_t used_ = 0; // bytes of buffer_ that are done with
  std::string fragments_;
  std::string subprotocol_;
  std::uint64_t pings_seen_ = 0;
  std::uint64_t next_ref_ = 1;
};

/// The frame that a client sends: header, mask, payload.
std::string encode_frame(unsigned opcode, std::string_view payload,
                         bool final = true, bool masked = true);

} // namespace callboard::test
