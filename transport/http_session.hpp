#pragma once

#include <boost/asio/ip/tcp.hpp>

#include <cstdint>

namespace callboard {

class edge_node;
class hub;

/// Which listener a connection came by.
enum class listener_kind : std::uint8_t { everyone, operators };

/// Serves HTTP/1.1 on a fresh connection until it closes or becomes a
/// WebSocket. Called on the hub's thread; `node` must outlive the hub's loop.
void start_http_session(hub& home, edge_node& node,
                        boost::asio::ip::tcp::socket socket,
                        listener_kind kind);

} // namespace callboard
