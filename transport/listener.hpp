#pragma once

#include "actors/model/problem.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <functional>
#include <string>

namespace callboard {

/// Accepts connections at one address and hands them on. Lives on one event
/// loop; a connection belongs to the loop that `next_loop` names for it.
class listener {
public:
  using tcp = boost::asio::ip::tcp;

  /// What to do with a connection; called on the listener's loop.
  using handler = std::function<void(tcp::socket)>;

  listener(boost::asio::io_context& home,
           std::function<boost::asio::io_context&()> next_loop,
           handler on_connection);

  /// Binds HOST:PORT ([HOST]:PORT for IPv6) and listens. Returns the port.
  /// errc::invalid: no address; errc::unavailable: cannot be bound, and why.
  result<std::uint16_t> open(const std::string& address);

  /// Begins to accept. Called once, before the loop runs or on its thread.
  void start();

  /// On the loop's thread: accepts no more.
  void close();

private:
  void accept();

  tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  std::function<boost::asio::io_context&()> next_loop_;
  handler on_connection_;
};

/// HOST and PORT of an address. errc::invalid names what is wrong.
result<std::pair<std::string, std::uint16_t>>
split_address(std::string_view address);

} // namespace callboard
