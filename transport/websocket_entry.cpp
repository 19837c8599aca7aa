#include "transport/websocket_entry.hpp"

#include "transport/websocket_session.hpp"

#include <utility>

namespace callboard {

void start_websocket(hub& home, boost::asio::ip::tcp::socket socket,
                     const websocket_session::upgrade_request& upgrade,
                     websocket_opening x) {
  std::make_shared<websocket_session>(home, std::move(socket), std::move(x))
    ->start(upgrade);
}

} // namespace callboard
