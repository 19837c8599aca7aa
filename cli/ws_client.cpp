#include "cli/ws_client.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>

namespace callboard {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;

namespace {

constexpr std::chrono::seconds connect_timeout{10};
constexpr std::size_t max_message_bytes = 64u << 20;

problem lost(const std::string& why) {
  return {errc::unavailable, "connection lost: " + why};
}

/// What a close code of contract 1 means to a client.
problem closed(const websocket::close_reason& reason) {
  const auto code = static_cast<unsigned>(reason.code);
  const auto detail = "closed by the node with " + std::to_string(code)
                      + (reason.reason.empty() ? "" : ": ")
                      + std::string{reason.reason.c_str()};
  if (code == 1008 || code == 4401)
    return {errc::unauthenticated, detail};
  if (code == 4403)
    return {errc::forbidden, detail};
  return {errc::unavailable, detail};
}

} // namespace

struct ws_client::impl {
  using socket = websocket::stream<beast::tcp_stream>;

  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> busy{
    io.get_executor()};
  std::optional<socket> stream;
  beast::flat_buffer buffer;
  bool reading = false;
  bool arrived = false;
  bool woken = false;
  beast::error_code read_error;

  /// Runs the loop until `done()` or the time is up.
  template <class Predicate>
  bool run_until(std::chrono::steady_clock::time_point deadline,
                 Predicate done) {
    io.restart();
    while (!done())
      if (io.run_one_until(deadline) == 0)
        return done();
    return true;
  }

  beast::error_code open_tcp(const endpoint& target) {
    beast::error_code error;
    asio::ip::tcp::resolver resolver{io};
    const auto found
      = resolver.resolve(target.host, std::to_string(target.port), error);
    if (error)
      return error;
    stream.emplace(io);
    buffer.clear();
    reading = arrived = false;
    auto& tcp = beast::get_lowest_layer(*stream);
    tcp.expires_after(connect_timeout);
    auto done = false;
    tcp.async_connect(found, [&](beast::error_code e, const auto&) {
      error = e;
      done = true;
    });
    run_until(std::chrono::steady_clock::time_point::max(),
              [&] { return done; });
    if (!error)
      tcp.socket().set_option(asio::ip::tcp::no_delay{true}, error);
    return error;
  }

  void start_read() {
    if (reading || arrived)
      return;
    reading = true;
    stream->async_read(buffer, [this](beast::error_code e, std::size_t) {
      reading = false;
      arrived = true;
      read_error = e;
    });
  }
};

ws_client::ws_client() : impl_{std::make_unique<impl>()} {
  // nop
}

ws_client::~ws_client() = default;
ws_client::ws_client(ws_client&&) noexcept = default;
ws_client& ws_client::operator=(ws_client&&) noexcept = default;

result<void> ws_client::connect(const endpoint& target,
                                const std::string& token,
                                const std::string& query) {
  auto& x = *impl_;
  // An earlier connection's operations must end before its stream does.
  if (x.stream) {
    beast::get_lowest_layer(*x.stream).cancel();
    x.run_until(std::chrono::steady_clock::now() + std::chrono::seconds{1},
                [&x] { return !x.reading; });
  }
  if (const auto error = x.open_tcp(target))
    return fail(errc::unavailable, "cannot reach http://" + target.text() + ": "
                                     + error.message());
  auto& tcp = beast::get_lowest_layer(*x.stream);
  tcp.expires_after(connect_timeout);
  x.stream->set_option(websocket::stream_base::decorator(
    [&token](websocket::request_type& request) {
      request.set(http::field::user_agent, "callboard");
      if (!token.empty())
        request.set(http::field::authorization, "Bearer " + token);
    }));
  x.stream->read_message_max(max_message_bytes);
  websocket::response_type response;
  beast::error_code error;
  auto done = false;
  x.stream->async_handshake(response, target.text(), "/ws" + query,
                            [&](beast::error_code e) {
                              error = e;
                              done = true;
                            });
  x.run_until(std::chrono::steady_clock::time_point::max(),
              [&] { return done; });
  tcp.expires_never();
  if (error == websocket::error::upgrade_declined) {
    const auto status = static_cast<int>(response.result_int());
    const auto code = status == 401   ? errc::unauthenticated
                      : status == 403 ? errc::forbidden
                                      : errc::unavailable;
    return fail(code, "the node refused the WebSocket with status "
                        + std::to_string(status));
  }
  if (error)
    return tl::unexpected{lost(error.message())};
  x.stream->text(true);
  return {};
}

result<void> ws_client::send(std::string_view text) {
  auto& x = *impl_;
  beast::error_code error;
  auto done = false;
  beast::get_lowest_layer(*x.stream).expires_after(std::chrono::seconds{30});
  x.stream->async_write(asio::buffer(text),
                        [&](beast::error_code e, std::size_t) {
                          error = e;
                          done = true;
                        });
  x.run_until(std::chrono::steady_clock::time_point::max(),
              [&] { return done; });
  beast::get_lowest_layer(*x.stream).expires_never();
  if (error)
    return tl::unexpected{lost(error.message())};
  return {};
}

result<std::optional<std::string>>
ws_client::receive(std::chrono::milliseconds patience) {
  auto& x = *impl_;
  x.start_read();
  x.run_until(std::chrono::steady_clock::now() + patience,
              [&x] { return x.arrived || x.woken; });
  x.woken = false;
  if (!x.arrived)
    return std::nullopt;
  if (x.read_error == websocket::error::closed)
    return tl::unexpected{closed(x.stream->reason())};
  if (x.read_error)
    return tl::unexpected{lost(x.read_error.message())};
  auto text = beast::buffers_to_string(x.buffer.data());
  x.buffer.consume(x.buffer.size());
  x.arrived = false;
  return text;
}

void ws_client::wake() {
  asio::post(impl_->io, [x = impl_.get()] { x->woken = true; });
}

void ws_client::close() {
  auto& x = *impl_;
  if (!x.stream)
    return;
  auto done = false;
  x.stream->async_close(websocket::close_code::normal,
                        [&done](beast::error_code) { done = true; });
  x.run_until(std::chrono::steady_clock::now() + std::chrono::seconds{1},
              [&done] { return done; });
  beast::error_code ignored;
  beast::get_lowest_layer(*x.stream).socket().close(ignored);
  x.run_until(std::chrono::steady_clock::now() + std::chrono::seconds{1},
              [&] { return done && !x.reading; });
}

} // namespace callboard
