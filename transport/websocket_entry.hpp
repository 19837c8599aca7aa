#pragma once

#include "transport/socket_client.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

namespace callboard {

/// Takes over a connection whose request asks for a WebSocket, and accepts it.
/// Called on the hub's thread.
void start_websocket(
  hub& home, boost::asio::ip::tcp::socket socket,
  const boost::beast::http::request<boost::beast::http::string_body>& upgrade,
  websocket_opening x);

} // namespace callboard
