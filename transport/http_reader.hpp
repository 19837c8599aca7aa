#pragma once

#include "actors/model/problem.hpp"
#include "transport/input_buffer.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace callboard {

class hub;
struct websocket_opening;

/// What the head of a request says; views into the reader.
struct http_head {
  std::string_view method;
  std::string_view target;
  std::string_view authorization;
  std::string_view content_type; ///< As sent, parameters included.
  std::string_view content_encoding;
  std::string_view accept;
  std::string_view accept_encoding;
  std::string_view request_id;
  std::string_view origin;
  std::string_view lease;             ///< `X-Callboard-Lease`
  std::string_view subprotocols;      ///< `Sec-WebSocket-Protocol`.
  std::string_view requested_headers; ///< A preflight wants to send these.
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool keep_alive = true;
  bool http_1_0 = false;
  bool expects_continue = false;
  bool wants_websocket = false;
};

/// Reads one request from bytes as they come (Beast's parser, kept out of the
/// sight of others because it compiles slowly).
class http_reader {
public:
  struct limits {
    std::uint64_t body_bytes = 0;
    std::uint64_t header_bytes = 0;
  };

  enum class state : std::uint8_t {
    more,   ///< Needs more input.
    head,   ///< The head is complete: reported once.
    done,   ///< The body is complete.
    failed, ///< See why().
  };

  explicit http_reader(const limits& x);
  ~http_reader();

  /// Takes what belongs to this request from `in`.
  state feed(input_buffer& in);

  bool has_head() const noexcept;

  /// After state::head, until the reader ends.
  const http_head& head() const noexcept;

  /// Why reading failed, and the status that goes with it.
  const problem& why() const noexcept;
  int status() const noexcept;

  /// After state::done.
  std::string take_body();

  /// After state::done: hands the connection and the request over.
  void start_websocket(hub& home, boost::asio::ip::tcp::socket socket,
                       websocket_opening x);

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace callboard
