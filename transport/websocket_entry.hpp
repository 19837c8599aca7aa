#pragma once

#include "transport/hub.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

namespace callboard {

/// Takes over a connection whose request asks for the WebSocket `/ws`: finds the
/// token (query `token` or `access_token`, header, subprotocol `bearer.<JWT>`),
/// accepts the upgrade, and closes with 1008, 4401 or 4403 when the token is
/// not good enough. Called on the hub's thread.
void start_native_websocket(
  hub& home, boost::asio::ip::tcp::socket socket,
  boost::beast::http::request<boost::beast::http::string_body> upgrade);

} // namespace callboard
