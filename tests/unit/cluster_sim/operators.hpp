#pragma once

#include "tests/unit/cluster_sim/traffic.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>

namespace callboard::sim {

/// People who change the cluster while it works, and who replace nodes that
/// were removed or whose disks are lost.
class operators {
public:
  operators(simulated_cluster& cluster, traffic& clients)
      : cluster_{cluster}, clients_{clients} {
    // nop
  }

  /// Nodes that left begin anew, as strangers. Often.
  void tick();

  /// Some order, by chance.
  void order_something();

  /// A node's data is gone for good; once in a history, as one replica of three
  /// may be lost while the others are there.
  void lose_a_disk();

  /// The node whose disk is lost is out, and another in its place.
  bool done() const;

  std::uint64_t orders() const noexcept {
    return orders_;
  }
  /// Changes of the map that came of them and of what they led to.
  std::uint64_t maps() const noexcept {
    return newest_.version - 1;
  }

private:
  std::optional<std::size_t> some_member();
  void give(cluster_order x);
  void add(std::size_t node);
  void look();
  void replace_lost_node();

  simulated_cluster& cluster_;
  traffic& clients_;
  std::uint64_t orders_ = 0;
  cluster_map newest_;            ///< That anybody ever knew.
  std::set<std::string> members_; ///< Disks that are or were.
  std::set<std::string> asked_;   ///< To be added, without an answer yet.
  std::string lost_disk_;         ///< Not replaced yet.
  std::optional<std::size_t> lost_node_;
  std::int64_t next_look_ms_ = 0;
};

} // namespace callboard::sim
