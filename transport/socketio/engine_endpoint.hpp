#pragma once

#include "transport/http_endpoint.hpp"
#include "transport/socketio/engine_client.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace callboard::engine_io {

struct endpoint_options {
  std::string path = "/socket.io"; ///< Also with a slash behind it.
  session_settings session;
  std::size_t max_clients = 100'000; ///< Sessions at a time; more: 503.
};

/// Makes the application's side of a new session. On the hub's thread.
using client_factory
  = std::function<std::shared_ptr<client>(hub&, client_opening)>;

/// Serves Engine.IO 4 at a path: handshakes, polls, posts and upgrades, and
/// the session ids (120 random bits) that join them.
std::unique_ptr<http_endpoint> make_endpoint(endpoint_options options,
                                             client_factory make);

} // namespace callboard::engine_io
