#pragma once

#include "actors/model/cluster_map.hpp"
#include "actors/peers.hpp"

#include <cstdint>
#include <memory>
#include <shared_mutex>
#include <utility>
#include <vector>

namespace callboard {

/// Which session leads to which node of the cluster. Any thread.
class peer_table {
public:
  /// Before the first session. Without: alone, nothing is ever sent.
  void use(std::shared_ptr<peer_network> network);

  /// A session with this node's peer began or ended. @returns its number; 0 if
  /// it is no member of `map`.
  node_number up(peer_session session, const peer_identity& who,
                 const cluster_map& map);
  node_number down(peer_session session);

  /// Another map: peers may have become members. @returns those that did.
  std::vector<std::pair<peer_session, node_number>>
  rebind(const cluster_map& map);

  node_number number_of(peer_session session) const;
  peer_session session_of(node_number node) const; ///< 0: not linked.

  /// False: not linked, or the queue is full; nothing was queued then.
  bool send(node_number to, peer_lane lane, shared_bytes frame) const;

  /// To every member that is linked.
  void send_all(peer_lane lane, const shared_bytes& frame) const;

  /// A node's own word about its disk, for a few seconds: bits of
  /// no_space_reason. 0: it has room, as far as is known.
  void note_no_space(node_number node, std::uint8_t why, std::uint64_t now_ms);
  std::uint8_t no_space_of(node_number node, std::uint64_t now_ms) const;

  /// The session carries something that must not be lost and was.
  void reset(node_number node) const;

  peer_network* network() const noexcept {
    return network_.get();
  }

private:
  struct peer {
    peer_session session;
    peer_identity who;
    node_number number;
    std::uint8_t no_space = 0;
    std::uint64_t noted_ms = 0;
  };

  std::shared_ptr<peer_network> network_;
  mutable std::shared_mutex mutex_;
  std::vector<peer> peers_; // a few
};

} // namespace callboard
