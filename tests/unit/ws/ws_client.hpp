#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callboard::test {

/// A WebSocket client for tests: each call waits for its end, but not for ever
/// (std::runtime_error after 10 seconds). One thread.
class ws_client {
public:
  struct options {
    std::string target = "/ws";
    std::string token = {};        ///< As query parameter; empty: none.
    std::string subprotocols = {}; ///< `Sec-WebSocket-Protocol`
    std::string authorization = {};
    int receive_buffer = 0; ///< SO_RCVBUF; 0: as the system likes.
  };

  ws_client(std::uint16_t port, const options& x);
  ~ws_client();
  ws_client(ws_client&&) noexcept;

  void send(const std::string& text);
  void send_binary(const std::string& bytes);
  /// Bytes as they are, past all framing.
  void send_raw(const std::string& bytes);
  /// One message in several frames of at most `size` bytes.
  void send_in_pieces(const std::string& text, std::size_t size);
  void ping();
  /// Says goodbye and waits for the server's answer.
  void close();

  /// The next message; nullopt if the server closed: see close_code().
  std::optional<std::string> read();

  /// The next message whose `type` is that; others are skipped.
  /// std::runtime_error if the server closes first.
  std::string read_type(std::string_view type);

  /// Reads until the server closes. The code; 0: the connection just ended.
  std::uint16_t close_code();

  /// `Sec-WebSocket-Protocol` of the answer.
  std::string subprotocol() const;
  std::size_t pongs() const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace callboard::test
