// Stands in for the WebSocket session: these tests end where it begins.

#include "transport/websocket_entry.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

namespace callboard {

void start_native_websocket(
  hub&, boost::asio::ip::tcp::socket socket,
  boost::beast::http::request<boost::beast::http::string_body>) {
  boost::system::error_code ignored;
  boost::asio::write(
    socket, boost::asio::buffer("HTTP/1.1 101 Handed Over\r\n\r\n", 28),
    ignored);
}

} // namespace callboard
