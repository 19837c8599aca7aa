#include "transport/http_reader.hpp"

#include "transport/websocket_entry.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

namespace callboard {

namespace beast = boost::beast;
namespace http = beast::http;

struct http_reader::impl {
  explicit impl(const limits& x) : limit{x} {
    parser.body_limit(limit.body_bytes);
    parser.header_limit(static_cast<std::uint32_t>(limit.header_bytes));
  }

  void read_head();
  state fail_with(problem x, int status_);
  state failed(const beast::error_code& ec);

  limits limit;
  http::request_parser<http::string_body> parser;
  http_head head;
  bool head_seen = false;
  problem why;
  int status = 400;
};

namespace {

std::string_view view(beast::string_view x) noexcept {
  return {x.data(), x.size()};
}

} // namespace

void http_reader::impl::read_head() {
  auto& message = parser.get();
  auto field = [&](http::field name) {
    auto found = message.find(name);
    return found == message.end() ? std::string_view{} : view(found->value());
  };
  head.method = view(message.method_string());
  head.target = view(message.target());
  head.authorization = field(http::field::authorization);
  head.content_type = field(http::field::content_type);
  head.content_encoding = field(http::field::content_encoding);
  head.accept = field(http::field::accept);
  head.accept_encoding = field(http::field::accept_encoding);
  head.origin = field(http::field::origin);
  head.subprotocols = field(http::field::sec_websocket_protocol);
  head.requested_headers = field(http::field::access_control_request_headers);
  if (auto found = message.find("X-Request-Id"); found != message.end())
    head.request_id = view(found->value());
  if (auto found = message.find("X-Callboard-Lease"); found != message.end())
    head.lease = view(found->value());
  if (auto length = parser.content_length())
    head.content_length = *length;
  head.chunked = parser.chunked();
  head.keep_alive = parser.keep_alive();
  head.http_1_0 = message.version() < 11;
  head.expects_continue
    = beast::iequals(message[http::field::expect], "100-continue");
  head.wants_websocket = beast::websocket::is_upgrade(message);
}

http_reader::state http_reader::impl::fail_with(problem x, int status_) {
  why = std::move(x);
  status = status_;
  return state::failed;
}

http_reader::state http_reader::impl::failed(const beast::error_code& ec) {
  if (ec == http::error::body_limit)
    return fail_with({errc::too_large, "a request body may have "
                                         + std::to_string(limit.body_bytes)
                                         + " bytes; send less at once"},
                     413);
  if (ec == http::error::header_limit)
    return fail_with({errc::too_large, "the request's headers may have "
                                         + std::to_string(limit.header_bytes)
                                         + " bytes"},
                     431);
  return fail_with(
    {errc::invalid, "this is no valid HTTP request: " + ec.message()}, 400);
}

http_reader::http_reader(const limits& x) : impl_{std::make_unique<impl>(x)} {
  // nop
}

http_reader::~http_reader() = default;

http_reader::state http_reader::feed(input_buffer& in) {
  auto& parser = impl_->parser;
  while (!parser.is_done()) {
    if (in.empty())
      return state::more;
    auto bytes = in.data();
    beast::error_code ec;
    auto used = parser.put(boost::asio::buffer(bytes.data(), bytes.size()), ec);
    in.consume(used);
    if (ec == http::error::need_more)
      return state::more;
    if (ec)
      return impl_->failed(ec);
    if (parser.is_header_done() && !impl_->head_seen) {
      impl_->head_seen = true;
      impl_->read_head();
      if (!impl_->head.http_1_0
          && impl_->parser.get().count(http::field::host) != 1)
        return impl_->fail_with(
          {errc::invalid, "the request needs one Host header"}, 400);
      if (impl_->head.chunked
          && !beast::iequals(parser.get()[http::field::transfer_encoding],
                             "chunked"))
        return impl_->fail_with(
          {errc::invalid, "Transfer-Encoding may only be chunked"}, 400);
      return state::head;
    }
  }
  return state::done;
}

bool http_reader::has_head() const noexcept {
  return impl_->head_seen;
}

const http_head& http_reader::head() const noexcept {
  return impl_->head;
}

const problem& http_reader::why() const noexcept {
  return impl_->why;
}

int http_reader::status() const noexcept {
  return impl_->status;
}

std::string http_reader::take_body() {
  return std::move(impl_->parser.get().body());
}

void http_reader::start_websocket(hub& home,
                                  boost::asio::ip::tcp::socket socket,
                                  websocket_opening x) {
  callboard::start_websocket(home, std::move(socket), impl_->parser.get(),
                             std::move(x));
}

} // namespace callboard
