#include "transport/listener.hpp"

#include <spdlog/spdlog.h>

#include <charconv>
#include <utility>

namespace callboard {

namespace asio = boost::asio;

using boost::system::error_code;

namespace {

/// Connections that may wait to be accepted. Many viewers come back at once
/// when a node has restarted.
constexpr int backlog = 4096;

/// How long accepting rests when descriptors or memory are used up.
constexpr auto rest_when_exhausted = std::chrono::milliseconds{100};

} // namespace

result<std::pair<std::string, std::uint16_t>>
split_address(std::string_view address) {
  auto colon = address.rfind(':');
  std::uint16_t port = 0;
  if (colon != address.npos) {
    auto text = address.substr(colon + 1);
    auto last = text.data() + text.size();
    auto [end, ec] = std::from_chars(text.data(), last, port);
    auto host = address.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']'))
      host = host.substr(1, host.size() - 2);
    if (ec == std::errc{} && end == last && !host.empty())
      return std::pair{std::string{host}, port};
  }
  return fail(errc::invalid, "\"" + std::string{address}
                               + "\" is no address; write HOST:PORT");
}

listener::listener(asio::io_context& home,
                   std::function<asio::io_context&()> next_loop,
                   handler on_connection)
    : acceptor_{home}, pause_{home}, next_loop_{std::move(next_loop)},
      on_connection_{std::move(on_connection)} {
  // nop
}

result<std::uint16_t> listener::open(const std::string& address) {
  auto parts = split_address(address);
  if (!parts)
    return tl::unexpected{parts.error()};
  error_code ec;
  tcp::resolver resolver{acceptor_.get_executor()};
  auto found = resolver.resolve(parts->first, std::to_string(parts->second),
                                tcp::resolver::passive, ec);
  if (!ec && found.empty())
    ec = asio::error::host_not_found;
  if (!ec) {
    auto endpoint = found.begin()->endpoint();
    acceptor_.open(endpoint.protocol(), ec);
    if (!ec)
      acceptor_.set_option(tcp::acceptor::reuse_address{true}, ec);
    if (!ec)
      acceptor_.bind(endpoint, ec);
    if (!ec)
      acceptor_.listen(backlog, ec);
  }
  auto bound = ec ? tcp::endpoint{} : acceptor_.local_endpoint(ec);
  if (ec)
    return fail(errc::unavailable,
                "cannot listen at " + address + ": " + ec.message());
  return bound.port();
}

void listener::start() {
  accept();
}

void listener::close() {
  error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
}

void listener::accept() {
  acceptor_.async_accept(next_loop_(), [this](const error_code& ec,
                                              tcp::socket socket) {
    if (!acceptor_.is_open())
      return;
    if (!ec) {
      error_code ignored;
      socket.set_option(tcp::no_delay{true}, ignored);
      on_connection_(std::move(socket));
      return accept();
    }
    if (ec == asio::error::connection_aborted)
      return accept();
    spdlog::warn("accepting connections rests for a moment: {}", ec.message());
    pause_.expires_after(rest_when_exhausted);
    pause_.async_wait([this](const error_code& cancelled) {
      if (!cancelled && acceptor_.is_open())
        accept();
    });
  });
}

} // namespace callboard
