#pragma once

#include "actors/model/cluster_map.hpp"
#include "actors/peers.hpp"

#include <string>
#include <string_view>
#include <vector>

/// How nodes that belong to no cluster yet become one. Plain logic.
namespace callboard {

/// One part of cluster.join.
struct join_address {
  std::string address; ///< HOST:PORT
  /// Of the node that was found there; empty: none yet. Names resolve in many
  /// ways, so that the node may call its address something else.
  std::string disk;
};

/// What a node without a cluster knows.
struct forming_view {
  peer_identity self;
  std::vector<join_address> join;
  std::vector<peer_identity> peers; ///< That are linked.
};

struct forming_step {
  enum class what : std::uint8_t {
    wait,  ///< `reason` says for what.
    found, ///< This node begins the cluster, with these `founders`.
  };
  what action = what::wait;
  std::string reason;
  std::vector<cluster_node> founders;
};

/// Every node that is to be joined must be linked and belong to no cluster;
/// then the one with the lowest name founds the cluster, and the others hear of
/// it. So a cluster begins once, with all of them, and with nobody else: a node
/// that only happens to be linked has to be added later.
forming_step next_forming_step(const forming_view& x);

/// Whether cluster.join names that node: only such a one may found a cluster
/// with this node in it.
bool is_named(const std::vector<join_address>& join, const peer_identity& who);

/// The parts of cluster.join.
std::vector<std::string> split_addresses(std::string_view list);

} // namespace callboard
