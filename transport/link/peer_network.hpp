#pragma once

#include "actors/peers.hpp"
#include "config/settings.hpp"

#include <memory>

namespace callboard {

/// The links of a node to its peers, over TCP or mutual TLS: one connection per
/// pair, one thread for all. docs/link.md says what goes over the wire.
///
/// errc::invalid: neither a secret nor certificates (unless node.dev), or
/// files of them that cannot be used. stop() and the destructor must not be
/// called by the sink.
result<std::unique_ptr<peer_network>> make_peer_network(const settings& conf);

} // namespace callboard
