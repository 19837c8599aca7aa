#pragma once

#include "actors/model/problem.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace callboard {

/// Where the node is and who we are; common to all client verbs.
struct client_options {
  std::string url = "http://127.0.0.1:8080"; ///< --url, CALLBOARD_URL
  std::string token;                         ///< --token, CALLBOARD_TOKEN
};

/// The host and port of an URL.
struct endpoint {
  std::string host;
  std::uint16_t port = 80;

  /// HOST:PORT, as in the Host header.
  std::string text() const;
};

/// Reads `http://HOST[:PORT][/]`. errc::invalid otherwise.
result<endpoint> parse_endpoint(std::string_view url);

/// `text` as a query value or path segment: percent-encoded where needed.
std::string url_encoded(std::string_view text);

} // namespace callboard
