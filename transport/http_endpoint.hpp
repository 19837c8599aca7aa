#pragma once

#include "transport/call.hpp"
#include "transport/http_message.hpp"
#include "transport/socket_client.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace callboard {

/// A request to a client protocol with paths of its own: everything that is no
/// route of contract 1.
struct endpoint_request {
  std::string method;
  request_target target; ///< Segments and query, percent-decoded.
  /// From the query (`access_token`, `token`) or the `Authorization` header;
  /// empty: none.
  std::string token;
  std::string content_type; ///< Lower case, without parameters.
  std::string accept;       ///< `Accept` as sent.
  std::string subprotocols; ///< `Sec-WebSocket-Protocol` as sent.
  std::string body;         ///< Unpacked. At most limits.body_bytes.
  std::string peer;         ///< Address and port.
  std::string request_id;
};

/// Takes the answer to one endpoint_request: a whole reply, or a stream. On the
/// thread of the hub that handles it, at once or later. The client may be gone
/// by then: nothing happens. An exchange that is dropped unanswered answers
/// 500.
class endpoint_exchange {
public:
  virtual ~endpoint_exchange() = default;

  virtual void reply(http_reply x) = 0;

  /// Instead of reply(): 200 and a body in pieces (chunked), until
  /// end_stream().
  virtual void begin_stream(std::string_view content_type) = 0;
  virtual void write(std::string text) = 0;
  virtual void end_stream() = 0;

  /// Written, but not yet taken by the socket.
  virtual std::size_t unsent_bytes() const noexcept = 0;

  /// `f` is called each time that all of a stream's bytes have been taken.
  virtual void on_drained(std::function<void()> f) = 0;

  /// `f` is called (once) if the client goes away before the answer's end.
  virtual void on_gone(std::function<void()> f) = 0;
};

/// A client protocol's entry: HTTP requests and WebSocket upgrades below its
/// paths. Lives as long as the server.
class http_endpoint {
public:
  virtual ~http_endpoint() = default;

  /// Whether `path` (without query) is its own. Any thread.
  virtual bool serves(std::string_view path) const noexcept = 0;

  /// The hub on whose thread the request's session lives; nullptr: any will do.
  /// The connection moves there before handle() or upgrade(). Any thread.
  virtual hub* home_of(const endpoint_request& x) = 0;

  /// On `here`'s thread.
  virtual void handle(hub& here, endpoint_request x,
                      std::shared_ptr<endpoint_exchange> to)
    = 0;

  /// A WebSocket is asked for. The error is the answer instead. On `here`'s
  /// thread.
  virtual tl::expected<websocket_opening, http_reply>
  upgrade(hub& here, const endpoint_request& x) = 0;
};

} // namespace callboard
