#include "transport/signalr/negotiation.hpp"

#include "actors/model/json.hpp"

#include <algorithm>
#include <charconv>

namespace callboard::signalr {

namespace {

constexpr int newest_negotiation = 1;

constexpr std::string_view transports
  = R"([{"transport":"WebSockets","transferFormats":["Text"]},)"
    R"({"transport":"ServerSentEvents","transferFormats":["Text"]},)"
    R"({"transport":"LongPolling","transferFormats":["Text"]}])";

/// Query parameters of ASP.NET are found in any case.
const std::string* find_parameter(const request_target& target,
                                  std::string_view name) {
  auto same = [name](std::string_view x) {
    return std::ranges::equal(x, name, [](char a, char b) {
      return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b;
    });
  };
  for (auto& [key, value] : target.query)
    if (same(key))
      return &value;
  return nullptr;
}

} // namespace

negotiate_request read_negotiate(const request_target& target) {
  negotiate_request x;
  if (auto* text = find_parameter(target, "negotiateversion")) {
    auto end = text->data() + text->size();
    auto [at, ec] = std::from_chars(text->data(), end, x.version);
    if (ec != std::errc{} || at != end)
      x.error = "The client requested a non-integer protocol version.";
    else if (x.version < 0)
      x.error = "The client requested version '" + *text
                + "', but the server does not support this version.";
    x.version = std::min(x.version, newest_negotiation);
  }
  auto* stateful = find_parameter(target, "usestatefulreconnect");
  x.stateful
    = stateful != nullptr && (*stateful == "true" || *stateful == "True");
  return x;
}

std::string negotiate_response(const negotiate_request& x,
                               std::string_view connection_id,
                               std::string_view connection_token) {
  std::string out = R"({"negotiateVersion":)" + std::to_string(x.version)
                    + R"(,"connectionId":)" + json::quoted(connection_id);
  if (x.version > 0)
    out += R"(,"connectionToken":)" + json::quoted(connection_token);
  if (x.stateful)
    out += R"(,"useStatefulReconnect":true)";
  return out.append(R"(,"availableTransports":)").append(transports) += '}';
}

std::string negotiate_refusal(std::string_view error) {
  return R"({"error":)" + json::quoted(error) + "}";
}

} // namespace callboard::signalr
