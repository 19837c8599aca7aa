#include "tests/unit/ws/ws_client.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <algorithm>
#include <stdexcept>

namespace callboard::test {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using asio::ip::tcp;

namespace {

constexpr auto patience = std::chrono::seconds{10};

} // namespace

struct ws_client::impl {
  asio::io_context io{1};
  websocket::stream<tcp::socket> stream{io};
  websocket::response_type response;
  std::optional<std::uint16_t> closed;
  std::size_t pongs = 0;

  /// Starts an operation with a handler and runs until it was called.
  template <class Start>
  beast::error_code wait(Start start) {
    std::optional<beast::error_code> done;
    start([&done](beast::error_code ec, auto&&...) { done = ec; });
    auto deadline = std::chrono::steady_clock::now() + patience;
    while (!done && std::chrono::steady_clock::now() < deadline) {
      io.restart();
      io.run_one_until(deadline);
    }
    if (!done)
      throw std::runtime_error{"WebSocket client: timed out"};
    return *done;
  }

  template <class Start>
  void must(Start start) {
    if (auto ec = wait(start))
      throw beast::system_error{ec};
  }
};

ws_client::ws_client(std::uint16_t port, const options& x)
    : impl_{std::make_unique<impl>()} {
  auto& socket = impl_->stream.next_layer();
  tcp::endpoint server{asio::ip::address_v4::loopback(), port};
  socket.open(tcp::v4());
  if (x.receive_buffer > 0)
    socket.set_option(tcp::socket::receive_buffer_size{x.receive_buffer});
  socket.connect(server);
  socket.set_option(tcp::no_delay{true});
  impl_->stream.set_option(
    websocket::stream_base::decorator([&x](websocket::request_type& request) {
      if (!x.subprotocols.empty())
        request.set(beast::http::field::sec_websocket_protocol, x.subprotocols);
      if (!x.authorization.empty())
        request.set(beast::http::field::authorization, x.authorization);
    }));
  impl_->stream.control_callback(
    [self = impl_.get()](websocket::frame_type type, auto) {
      self->pongs += type == websocket::frame_type::pong ? 1 : 0;
    });
  auto target = x.target;
  if (!x.token.empty())
    target
      += (target.find('?') == target.npos ? "?token=" : "&token=") + x.token;
  impl_->must([&](auto then) {
    impl_->stream.async_handshake(impl_->response, "localhost", target, then);
  });
}

ws_client::~ws_client() = default;
ws_client::ws_client(ws_client&&) noexcept = default;

void ws_client::send(const std::string& text) {
  impl_->stream.text(true);
  impl_->must(
    [&](auto then) { impl_->stream.async_write(asio::buffer(text), then); });
}

void ws_client::send_binary(const std::string& bytes) {
  impl_->stream.binary(true);
  impl_->must(
    [&](auto then) { impl_->stream.async_write(asio::buffer(bytes), then); });
}

void ws_client::send_raw(const std::string& bytes) {
  impl_->must([&](auto then) {
    asio::async_write(impl_->stream.next_layer(), asio::buffer(bytes), then);
  });
}

void ws_client::send_in_pieces(const std::string& text, std::size_t size) {
  impl_->stream.text(true);
  for (std::size_t at = 0; at < text.size(); at += size) {
    auto piece
      = asio::buffer(text.data() + at, std::min(size, text.size() - at));
    impl_->must([&](auto then) {
      impl_->stream.async_write_some(at + size >= text.size(), piece, then);
    });
  }
}

void ws_client::ping() {
  impl_->must([&](auto then) { impl_->stream.async_ping("hello", then); });
}

void ws_client::close() {
  impl_->wait([&](auto then) {
    impl_->stream.async_close(websocket::close_code::normal, then);
  });
}

std::optional<std::string> ws_client::read() {
  beast::flat_buffer buffer;
  auto ec
    = impl_->wait([&](auto then) { impl_->stream.async_read(buffer, then); });
  if (!ec)
    return beast::buffers_to_string(buffer.data());
  impl_->closed
    = ec == websocket::error::closed ? impl_->stream.reason().code : 0;
  return std::nullopt;
}

std::string ws_client::read_type(std::string_view type) {
  auto wanted = "{\"type\":\"" + std::string{type} + "\"";
  auto inside = "\"type\":\"" + std::string{type} + "\"";
  while (auto text = read())
    if (text->starts_with(wanted)
        || (text->starts_with("{\"seq\"") && text->find(inside) != text->npos))
      return *text;
  throw std::runtime_error{"the server closed before " + std::string{type}};
}

std::uint16_t ws_client::close_code() {
  while (!impl_->closed)
    read();
  return *impl_->closed;
}

std::string ws_client::subprotocol() const {
  return std::string{
    impl_->response[beast::http::field::sec_websocket_protocol]};
}

std::size_t ws_client::pongs() const {
  return impl_->pongs;
}

} // namespace callboard::test
