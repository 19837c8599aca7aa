#include "transport/link/address_lookup.hpp"

#include <boost/asio/post.hpp>

#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace callboard {

namespace asio = boost::asio;

using boost::system::error_code;
using tcp = asio::ip::tcp;

namespace {

looked_up ask(const std::string& host, std::uint16_t port) {
  looked_up result;
  asio::io_context own; // the resolver wants one; it blocks this thread
  tcp::resolver resolver{own};
  error_code ec;
  for (auto& one : resolver.resolve(host, std::to_string(port), ec))
    result.endpoints.push_back(one.endpoint());
  if (result.endpoints.empty())
    result.error = ec ? ec.message() : "the name has no address";
  return result;
}

} // namespace

void look_up(std::shared_ptr<asio::io_context> io, std::string host,
             std::uint16_t port, std::function<void(looked_up)> done) {
  auto tell = [io, done = std::move(done)](looked_up x) {
    asio::post(*io, [done, x = std::move(x)]() mutable { done(std::move(x)); });
  };
  error_code ec;
  auto address = asio::ip::make_address(host, ec);
  if (!ec)
    return tell({{tcp::endpoint{address, port}}, {}});
  try {
    std::thread{[host = std::move(host), port, tell] {
      tell(ask(host, port));
    }}.detach();
  } catch (const std::system_error& e) {
    tell({{}, e.what()});
  }
}

} // namespace callboard
