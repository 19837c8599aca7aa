#pragma once

#include "tests/support/tcp_socket.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace callboard::test {

namespace json = boost::json;

using header_list = std::vector<std::pair<std::string, std::string>>;

struct http_response {
  int status = 0;
  header_list headers;
  std::string body;

  /// The value of the first header of that name (any case), or empty.
  std::string_view header(std::string_view name) const;

  /// The body as JSON. @throws if it is not.
  json::value parsed() const;

  /// The body as a JSON object, parsed once. @throws if it is not.
  const json::object& object() const&;
  json::object object() &&;

  /// `code` of a problem document, or empty.
  std::string code() const;

private:
  mutable std::optional<json::value> parsed_;
};

/// Takes one response from the front of `buffer`, receiving more as needed.
/// `headers_only`: the answer to HEAD.
http_response read_response(tcp_socket& socket, std::string& buffer,
                            deadline until, bool headers_only = false);

/// A keep-alive HTTP/1.1 client. Never sends anything twice: a lost connection
/// is the caller's affair (only a connection that the server closed while it
/// was idle is replaced before sending).
class http_client {
public:
  http_client(std::uint16_t port, std::string token)
      : port_{port}, token_{std::move(token)} {
    // nop
  }

  /// Sends and waits for the answer. `Authorization`, `Host` and
  /// `Content-Length` are added; `Content-Type: application/json` when there is
  /// a body and `headers` name no other.
  /// @throws connection_lost, timed_out.
  http_response send(std::string_view method, std::string_view target,
                     std::string_view body = {},
                     const header_list& headers = {});

  http_response get(std::string_view target, const header_list& headers = {}) {
    return send("GET", target, {}, headers);
  }

  http_response post(std::string_view target, std::string_view body = {},
                     const header_list& headers = {}) {
    return send("POST", target, body, headers);
  }

  http_response put(std::string_view target, std::string_view body) {
    return send("PUT", target, body);
  }

  http_response remove(std::string_view target) {
    return send("DELETE", target);
  }

  /// Publishes one event or an array to a project.
  http_response publish(std::string_view project, const json::value& events);

  /// Publishes text as it is.
  http_response publish_raw(std::string_view project, std::string_view body,
                            const header_list& headers = {});

  /// Like send(), with a time limit of one's own.
  void patience(std::chrono::milliseconds x) {
    patience_ = x;
  }

  std::uint16_t port() const {
    return port_;
  }

  const std::string& token() const {
    return token_;
  }

private:
  std::uint16_t port_;
  std::string token_;
  std::chrono::milliseconds patience_ = test::patience;
  std::optional<tcp_socket> socket_;
  std::string buffer_;
};

} // namespace callboard::test
