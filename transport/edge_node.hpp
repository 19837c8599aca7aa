#pragma once

#include "transport/call.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace callboard {

class http_endpoint;
class hub;

/// What HTTP calls may ask of the node around their hub. Called on hub threads;
/// `done` is called later on the asking hub's thread.
class edge_node {
public:
  virtual ~edge_node() = default;

  /// Prometheus text.
  virtual std::string metrics_page() const = 0;

  /// A page of the node's connections, by id, as a JSON list.
  virtual void sessions(hub& asker, const list_sessions& x,
                        std::function<void(std::string)> done)
    = 0;

  /// Closes a connection; `done(false)` if there is none that the asker may
  /// see.
  virtual void close(hub& asker, const close_session& x,
                     std::function<void(bool)> done)
    = 0;

  /// Tells whoever runs the node to drain it.
  virtual void ask_for_drain() = 0;

  virtual bool draining() const noexcept = 0;

  /// The client protocol that a path (without query) belongs to; nullptr: none.
  virtual http_endpoint* endpoint_at(std::string_view path) const noexcept = 0;
};

} // namespace callboard
