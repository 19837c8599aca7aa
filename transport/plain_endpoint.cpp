#include "transport/plain_endpoint.hpp"

#include "actors/model/event.hpp"
#include "transport/edge_metrics.hpp"
#include "transport/native_client.hpp"
#include "transport/native_messages.hpp"
#include "transport/phase_client.hpp"

#include <charconv>
#include <chrono>
#include <string_view>
#include <utility>
#include <vector>

namespace callboard {

namespace {

constexpr std::string_view bearer_subprotocol = "bearer.";

/// The offered subprotocols: `bearer.<JWT>` carries a token; of the others we
/// speak one.
struct offered_protocols {
  std::string bearer; ///< As offered, with its prefix; empty: none.
  std::string token;
  std::string select;
};

std::string_view trimmed(std::string_view x) {
  auto begin = x.find_first_not_of(" \t");
  if (begin == x.npos)
    return {};
  return x.substr(begin, x.find_last_not_of(" \t") - begin + 1);
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> xs;
  while (!text.empty()) {
    auto comma = text.find(',');
    xs.emplace_back(text.substr(0, comma));
    text.remove_prefix(comma == text.npos ? text.size() : comma + 1);
  }
  return xs;
}

offered_protocols read_protocols(std::string_view header) {
  offered_protocols x;
  for (auto& item : split(header)) {
    auto offer = trimmed(item);
    if (offer.starts_with(bearer_subprotocol)) {
      x.bearer = offer;
      x.token = offer.substr(bearer_subprotocol.size());
    } else if (offer == native::protocol_name) {
      x.select = offer;
    }
  }
  if (x.select.empty())
    x.select = x.bearer;
  return x;
}

result<event_seq> parse_since(std::string_view text) {
  event_seq x;
  auto end = text.data() + text.size();
  auto [at, ec] = std::from_chars(text.data(), end, x.value);
  if (ec != std::errc{} || at != end)
    return fail(errc::invalid, "since must be a number from 0", "/since");
  return x;
}

/// Reads one parameter of the address; others are left to proxies and clients.
result<void> read_option(connect_options& x, std::string_view key,
                         const std::string& value) {
  if (key == "projectId") {
    if (!valid_id(value))
      return fail(errc::invalid, "projectId is no valid id", "/projectId");
    x.project = project_id{value};
  } else if (key == "since") {
    auto since = parse_since(value);
    if (!since)
      return tl::unexpected{std::move(since.error())};
    x.since = *since;
  } else if (key == "types") {
    x.types = split(value);
    return native::check_types(x.types);
  } else if (key == "batch") {
    x.batching = value == "1" || value == "true";
  } else if (key == "vocabulary") {
    x.node_events = value != "native";
  }
  return {};
}

using refusal = websocket_opening::refusal;

/// Who opens a plain WebSocket, or why it is refused. Browsers cannot read the
/// answer to a refused upgrade, but they can read a close code and its reason.
struct caller {
  principal who; ///< Only its defaults if refused.
  std::optional<refusal> refused;
};

caller identify(hub& home, const std::string& token) {
  auto who
    = token.empty()
        ? fail(errc::unauthenticated,
               "a token is needed: as query parameter `token`, as bearer "
               "token or as subprotocol bearer.<JWT>")
        : home.auth().verify(token, std::chrono::system_clock::now());
  if (who)
    return {std::move(*who), std::nullopt};
  home.metrics().auth_failures.fetch_add(1, std::memory_order_relaxed);
  refusal why{close_code::not_authenticated,
              token.empty() ? "Authentication required" : "Invalid token"};
  if (who.error().pointer == "exp")
    why = {close_code::token_expired, "Token expired"};
  who.error().pointer.clear();
  why.notice = native::error(who.error(), {});
  return {{}, std::move(why)};
}

/// An endpoint that is nothing but a WebSocket.
class plain_endpoint : public http_endpoint {
public:
  hub* home_of(const endpoint_request&) final {
    return nullptr;
  }

  void handle(hub&, endpoint_request x,
              std::shared_ptr<endpoint_exchange> to) final {
    to->reply(problem_reply(
      {errc::invalid, "this is the WebSocket: ask for an upgrade to it"},
      x.request_id));
  }

  tl::expected<websocket_opening, http_reply>
  upgrade(hub& here, const endpoint_request& x) final {
    auto protocols = read_protocols(x.subprotocols);
    auto from = identify(here, x.token.empty() ? protocols.token : x.token);
    auto out = open(here, std::move(from.who), x.target);
    if (from.refused)
      out.refused = std::move(from.refused);
    out.subprotocol = std::move(protocols.select);
    return out;
  }

protected:
  virtual websocket_opening open(hub& here, principal who,
                                 const request_target& target)
    = 0;
};

class native_endpoint final : public plain_endpoint {
public:
  bool serves(std::string_view path) const noexcept override {
    return path == "/ws";
  }

protected:
  websocket_opening open(hub& here, principal who,
                         const request_target& target) override {
    websocket_opening out;
    connect_options options;
    for (auto& [key, value] : target.query)
      if (auto ok = read_option(options, key, value); !ok && !out.refused)
        out.refused = refusal{close_code::not_authenticated, "Invalid address",
                              native::error(ok.error(), {})};
    out.client = std::make_shared<native_client>(here, std::move(who),
                                                 std::move(options));
    return out;
  }
};

class phase_endpoint final : public plain_endpoint {
public:
  bool serves(std::string_view path) const noexcept override {
    return path == "/events" || path == "/ws/events";
  }

protected:
  websocket_opening open(hub& here, principal who,
                         const request_target&) override {
    websocket_opening out;
    out.client = std::make_shared<phase_client>(here, std::move(who));
    return out;
  }
};

} // namespace

std::unique_ptr<http_endpoint> make_native_endpoint() {
  return std::make_unique<native_endpoint>();
}

std::unique_ptr<http_endpoint> make_phase_endpoint() {
  return std::make_unique<phase_endpoint>();
}

} // namespace callboard
