#pragma once

#include "config/settings.hpp"
#include "transport/link/tls_credentials.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace callboard {

/// What a node's links need of its settings, checked.
struct link_options {
  std::string listen;                         ///< HOST:PORT.
  std::string secret;                         ///< Of the cluster; empty: none.
  std::shared_ptr<const tls_credentials> tls; ///< nullptr: plain TCP.
  std::uint64_t queue_bytes = 0;              ///< Per peer and lane.
  std::uint64_t frame_bytes = 0;              ///< Largest frame of a lane.
  std::chrono::milliseconds heartbeat{};
  std::chrono::milliseconds timeout{};
  std::chrono::milliseconds dial_timeout{};
  std::chrono::milliseconds redial_interval{};
};

/// errc::invalid: no secret and no certificates (unless node.dev), files that
/// cannot be read, limits that cannot work.
result<link_options> make_link_options(const settings& conf);

} // namespace callboard
