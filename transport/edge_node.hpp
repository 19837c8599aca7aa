#pragma once

#include <string>
#include <string_view>

namespace callboard {

class http_endpoint;

/// What HTTP calls may ask of the node around their hub. Called on hub threads.
class edge_node {
public:
  virtual ~edge_node() = default;

  /// Prometheus text.
  virtual std::string metrics_page() const = 0;

  /// Tells whoever runs the node to drain it.
  virtual void ask_for_drain() = 0;

  virtual bool draining() const noexcept = 0;

  /// The client protocol that a path (without query) belongs to; nullptr: none.
  virtual http_endpoint* endpoint_at(std::string_view path) const noexcept = 0;
};

} // namespace callboard
