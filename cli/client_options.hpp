#pragma once

#include "actors/model/problem.hpp"

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace callboard {

/// Where the node is and who we are; common to all client verbs.
struct client_options {
  /// --url, CALLBOARD_URL. Several nodes of a cluster, separated by commas: any
  /// will do, the next one is taken when one does not answer.
  std::string url = "http://127.0.0.1:8080";
  std::string token; ///< --token, CALLBOARD_TOKEN
};

/// The host and port of an URL.
struct endpoint {
  std::string host;
  std::uint16_t port = 80;

  /// HOST:PORT, as in the Host header.
  std::string text() const;
};

/// The nodes that will do, at least one, and the one that we use now.
class endpoints {
public:
  endpoints(endpoint only) : all_{std::move(only)} {
    // nop
  }
  explicit endpoints(std::vector<endpoint> all) : all_{std::move(all)} {
    assert(!all_.empty());
  }

  const endpoint& current() const noexcept {
    return all_[at_];
  }

  /// The current one does not answer.
  void next() noexcept {
    at_ = (at_ + 1) % all_.size();
  }

  const std::vector<endpoint>& all() const noexcept {
    return all_;
  }

private:
  std::vector<endpoint> all_;
  std::size_t at_ = 0;
};

/// Reads `http://HOST[:PORT][/]`. errc::invalid otherwise.
result<endpoint> parse_endpoint(std::string_view url);

/// Reads one or several of these, separated by commas.
result<endpoints> parse_endpoints(std::string_view urls);

/// `text` as a query value or path segment: percent-encoded where needed.
std::string url_encoded(std::string_view text);

} // namespace callboard
