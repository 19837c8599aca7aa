#pragma once

#include "actors/model/cluster_map.hpp"
#include "actors/peers.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callboard {

/// cluster.join as addresses, each once, without the blanks around them.
std::vector<std::string> join_addresses(std::string_view setting);

/// When a node that belongs to no cluster may found one, and with whom.
///
/// The founders are the nodes that cluster.join names and this one. All of them
/// must be linked, must belong to no cluster, and must say that they are as
/// many; then the one with the lowest name founds. What it founds is durable
/// with it before the others hear of it, and they keep it durably before they
/// act on it: so there is one first map, whoever ends at what moment.
///
/// Pure: used on one thread, waits for nothing.
class forming {
public:
  /// `self.address` may be among `join`.
  forming(peer_identity self, std::vector<std::string> join);

  /// So many nodes form the cluster, as this one sees it: at least 1.
  std::uint32_t founders() const noexcept {
    return founders_;
  }

  /// Sessions with others; what they say (remote::forming_notice).
  void up(peer_session session, const peer_identity& who);
  void down(peer_session session);
  void heard(peer_session session, std::uint32_t founders);

  /// The first map, if all founders are there and founding is up to this node.
  std::optional<cluster_map> found(const std::string& cluster,
                                   std::uint32_t shards,
                                   std::uint32_t replicas) const;

  /// What is missing, for the log: one sentence.
  std::string waiting_for() const;

private:
  struct peer {
    peer_identity who;
    std::uint32_t founders = 0; ///< 0: it has not said.
  };

  /// Those that form the cluster together with this node, if all are there.
  std::optional<std::vector<peer_identity>> others() const;

  peer_identity self_;
  std::vector<std::string> join_;
  std::uint32_t founders_ = 1;
  std::map<peer_session, peer> peers_;
};

} // namespace callboard
