#include "cli/http_client.hpp"

#include "actors/model/json.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <charconv>
#include <optional>

namespace callboard {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

namespace {

constexpr std::uint64_t max_reply_bytes = 256u << 20;

} // namespace

struct http_client::impl {
  explicit impl(endpoints x) : nodes{std::move(x)} {
    // nop
  }

  endpoints nodes;
  std::string token;
  std::chrono::milliseconds timeout;
  asio::io_context io{1};
  std::optional<beast::tcp_stream> stream;
  beast::flat_buffer buffer;

  /// Runs the operations under way to their end.
  void finish() {
    io.restart();
    io.run();
  }

  beast::error_code connect() {
    beast::error_code error;
    asio::ip::tcp::resolver resolver{io};
    const auto found = resolver.resolve(
      nodes.current().host, std::to_string(nodes.current().port), error);
    if (error)
      return error;
    stream.emplace(io);
    buffer.clear();
    stream->expires_after(timeout);
    stream->async_connect(found,
                          [&](beast::error_code e, const auto&) { error = e; });
    finish();
    if (!error)
      stream->socket().set_option(asio::ip::tcp::no_delay{true}, error);
    return error;
  }

  beast::error_code exchange(const http::request<http::string_body>& request,
                             http::response<http::string_body>& response) {
    beast::error_code error;
    stream->expires_after(timeout);
    http::async_write(*stream, request,
                      [&](beast::error_code e, std::size_t) { error = e; });
    finish();
    if (error)
      return error;
    http::response_parser<http::string_body> parser;
    parser.body_limit(max_reply_bytes);
    stream->expires_after(timeout);
    http::async_read(*stream, buffer, parser,
                     [&](beast::error_code e, std::size_t) { error = e; });
    finish();
    if (!error)
      response = parser.release();
    return error;
  }
};

http_client::http_client(endpoints nodes, std::string token,
                         std::chrono::milliseconds timeout)
    : impl_{std::make_unique<impl>(std::move(nodes))} {
  impl_->token = std::move(token);
  impl_->timeout = timeout;
}

http_client::~http_client() = default;
http_client::http_client(http_client&&) noexcept = default;
http_client& http_client::operator=(http_client&&) noexcept = default;

result<node_reply> http_client::call(std::string_view method,
                                     std::string_view target,
                                     std::string_view body,
                                     std::string_view content_type) {
  auto& x = *impl_;
  const auto lost = [&x](const beast::error_code& error) {
    auto why = "no answer from http://" + x.nodes.current().text() + ": "
               + error.message();
    x.stream.reset();
    x.nodes.next();
    return fail(errc::unavailable, std::move(why));
  };
  http::request<http::string_body> request;
  request.version(11);
  request.method_string(method);
  request.target(target);
  request.set(http::field::host, x.nodes.current().text());
  request.set(http::field::user_agent, "callboard");
  if (!x.token.empty())
    request.set(http::field::authorization, "Bearer " + x.token);
  if (!body.empty())
    request.set(http::field::content_type, content_type);
  request.body() = body;
  request.prepare_payload();
  if (!x.stream)
    if (const auto error = x.connect())
      return lost(error);
  http::response<http::string_body> response;
  if (const auto error = x.exchange(request, response))
    return lost(error);
  const auto busy = response.result() == http::status::service_unavailable;
  if (busy && x.nodes.all().size() > 1)
    x.nodes.next();
  if (!response.keep_alive() || (busy && x.nodes.all().size() > 1))
    x.stream.reset();
  node_reply out;
  out.status = static_cast<int>(response.result_int());
  out.body = std::move(response.body());
  if (const auto at = response.find(http::field::retry_after);
      at != response.end()) {
    long seconds = 0;
    std::from_chars(at->value().data(), at->value().data() + at->value().size(),
                    seconds);
    out.retry_after = std::chrono::seconds{seconds};
  }
  return out;
}

namespace {

errc code_of(int status) {
  for (const auto code :
       {errc::invalid, errc::unauthenticated, errc::forbidden, errc::not_found,
        errc::method_not_allowed, errc::conflict, errc::too_large,
        errc::rate_limited, errc::unavailable})
    if (http_status(code) == status)
      return code;
  return errc::internal;
}

} // namespace

problem problem_of(const node_reply& reply) {
  problem out;
  out.code = code_of(reply.status);
  out.retry_after = reply.retry_after;
  out.detail = "the node answered with status " + std::to_string(reply.status);
  const auto doc = json::document::parse(reply.body);
  if (doc && doc->root().is(json::kind::object)) {
    if (const auto detail = doc->root().find("detail");
        detail && detail->is(json::kind::string))
      out.detail = detail->string();
    if (const auto pointer = doc->root().find("pointer");
        pointer && pointer->is(json::kind::string))
      out.pointer = pointer->string();
  }
  return out;
}

} // namespace callboard
