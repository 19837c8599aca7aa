#pragma once

#include "actors/engine.hpp"
#include "config/settings.hpp"
#include "transport/http_message.hpp"
#include "transport/principal.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

/// One HTTP request after its socket: what is asked, by whom, and what the edge
/// has to do about it. Pure, so that routes can be tested and fuzzed as
/// functions.
namespace callboard {

/// A request target, taken apart and percent-decoded.
struct request_target {
  std::vector<std::string> segments;
  std::vector<std::pair<std::string, std::string>> query;

  /// errc::invalid for what is no origin-form or absolute-form of RFC 9112.
  static result<request_target> parse(std::string_view text);

  /// The last value of that query parameter; nullptr if it is not there.
  const std::string* find(std::string_view name) const noexcept;
};

/// What the `{…}` of a route's pattern stood for.
struct path_values {
  std::vector<std::pair<std::string_view, std::string>> values;

  /// The value; the pattern must have that name.
  const std::string& operator[](std::string_view name) const noexcept;
  const std::string* find(std::string_view name) const noexcept;
};

/// What a route's function gets.
struct call {
  const path_values& path;
  const request_target& target;
  const principal& who; ///< An empty tenant: an operator of all tenants.
  shared_bytes body;    ///< Never null; unpacked.
  std::string_view content_type;
  const settings& conf;
  std::string_view lease = {}; ///< `X-Callboard-Lease`; empty: none.

  project_id project() const {
    return {path["project_id"]};
  }
  room_key room() const {
    return {who.tenant, project()};
  }
};

// What the node answers by itself, without the engine.
struct show_readiness {};
struct show_metrics {};
struct begin_drain {};

/// What is to be done. A reply is sent at once; the others are asked of the
/// engine or of the node.
using action
  = std::variant<http_reply, publish_request, command_request, take_request,
                 lease_request, definition_request, query::any, admin_request,
                 show_readiness, show_metrics, begin_drain>;

/// How an answer of the engine becomes a reply.
enum class answer_shape : std::uint8_t {
  document,     ///< As the engine says.
  no_content,   ///< 204 whatever the document says.
  accepted,     ///< 202: decided, not done yet.
  results,      ///< The results of publishing.
  single_event, ///< Likewise; but a refused event decides the status.
};

struct plan {
  action what;
  answer_shape shape = answer_shape::document;
};

/// Turns what the engine said into a reply.
http_reply reply_to(answer& from, answer_shape shape,
                    std::string_view request_id);

/// The body of a `results` reply; also what WebSocket publishers get.
void append_results(std::string& out,
                    const std::vector<publish_result>& results);

// Checks that routes share.

/// The parsed body of a request that takes a JSON object, or no body at all
/// (then nullopt). errc::invalid for other content types and other values.
/// The document is valid until the thread's next call of this function.
result<std::optional<json::value>> json_object_body(const call& x);

/// Query parameter `limit`: 50 by default, 1 to 1000.
result<std::size_t> page_limit(const request_target& target);

/// Query parameter `cursor`; empty if absent.
result<std::string> page_cursor(const request_target& target);

/// Query parameter `name` as a decimal number; `other` if absent.
result<std::uint64_t> number_parameter(const request_target& target,
                                       std::string_view name,
                                       std::uint64_t other);

/// All values of `name`, repeated or separated by commas.
std::vector<std::string> list_parameter(const request_target& target,
                                        std::string_view name);

} // namespace callboard
