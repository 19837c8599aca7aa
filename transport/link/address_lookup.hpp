#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace callboard {

/// Endpoints of a host, or why there are none.
struct looked_up {
  std::vector<boost::asio::ip::tcp::endpoint> endpoints;
  std::string error;
};

/// Asks for the addresses of `host` and calls `done` on `io`. A name is looked
/// up on a thread of its own, which nobody waits for: a name server that does
/// not answer holds up neither the other peers nor stop(). The thread keeps
/// `io` alive; whatever `done` keeps may be freed on it.
void look_up(std::shared_ptr<boost::asio::io_context> io, std::string host,
             std::uint16_t port, std::function<void(looked_up)> done);

} // namespace callboard
