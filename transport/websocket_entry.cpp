#include "transport/websocket_entry.hpp"

#include "actors/model/event.hpp"
#include "transport/edge_metrics.hpp"
#include "transport/native_messages.hpp"
#include "transport/websocket_session.hpp"

#include <boost/beast/http/field.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <charconv>
#include <string_view>
#include <utility>
#include <vector>

namespace callboard {

namespace {

namespace http = boost::beast::http;
namespace urls = boost::urls;

using upgrade_request = websocket_session::upgrade_request;
using opening = websocket_session::opening;

constexpr std::string_view bearer_subprotocol = "bearer.";

/// The query of the request's target, decoded.
std::vector<std::pair<std::string, std::string>>
query_of(const upgrade_request& upgrade) {
  std::vector<std::pair<std::string, std::string>> xs;
  auto target = upgrade.target();
  auto parsed = urls::parse_origin_form({target.data(), target.size()});
  if (!parsed)
    return xs;
  urls::encoding_opts plus_is_space{true};
  for (auto x : parsed->params(plus_is_space))
    xs.emplace_back(std::move(x.key), std::move(x.value));
  return xs;
}

/// The offered subprotocols: `bearer.<JWT>` carries a token; of the others we
/// speak one.
struct offered_protocols {
  std::string bearer; ///< As offered, with its prefix; empty: none.
  std::string token;
  std::string select;
};

offered_protocols read_protocols(const upgrade_request& upgrade) {
  offered_protocols x;
  for (auto name :
       http::token_list{upgrade[http::field::sec_websocket_protocol]}) {
    std::string_view offer{name.data(), name.size()};
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

std::string header_token(const upgrade_request& upgrade) {
  auto value = upgrade[http::field::authorization];
  std::string_view text{value.data(), value.size()};
  constexpr std::string_view scheme = "bearer ";
  if (!boost::beast::iequals(value.substr(0, scheme.size()),
                             {scheme.data(), scheme.size()}))
    return {};
  return std::string{text.substr(scheme.size())};
}

result<event_seq> parse_since(std::string_view text) {
  event_seq x;
  auto end = text.data() + text.size();
  auto [at, ec] = std::from_chars(text.data(), end, x.value);
  if (ec != std::errc{} || at != end)
    return fail(errc::invalid, "since must be a number from 0", "/since");
  return x;
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
  }
  return {};
}

/// Finds token and options; a bad token or option is a refusal, which is told
/// over the WebSocket, because browsers hide the answer to a refused upgrade.
opening read_opening(hub& home, const upgrade_request& upgrade) {
  opening x;
  auto protocols = read_protocols(upgrade);
  x.subprotocol = std::move(protocols.select);
  auto token = header_token(upgrade);
  if (token.empty())
    token = std::move(protocols.token);
  for (auto& [key, value] : query_of(upgrade)) {
    if (key == "token" || key == "access_token")
      token = value;
    else if (auto ok = read_option(x.options, key, value); !ok && !x.refused)
      x.refused = {close_code::not_authenticated, std::move(ok.error())};
  }
  auto who
    = token.empty()
        ? fail(errc::unauthenticated,
               "a token is needed: as query parameter `token`, as bearer "
               "token or as subprotocol bearer.<JWT>")
        : home.auth().verify(token, std::chrono::system_clock::now());
  if (who) {
    x.who = std::move(*who);
    return x;
  }
  home.metrics().auth_failures.fetch_add(1, std::memory_order_relaxed);
  auto expired = who.error().pointer == "exp";
  who.error().pointer.clear();
  x.refused
    = {expired ? close_code::token_expired : close_code::not_authenticated,
       std::move(who.error())};
  return x;
}

} // namespace

void start_native_websocket(hub& home, boost::asio::ip::tcp::socket socket,
                            upgrade_request upgrade) {
  auto x = read_opening(home, upgrade);
  std::make_shared<websocket_session>(home, std::move(socket), std::move(x))
    ->start(upgrade);
}

} // namespace callboard
