#pragma once

#include "actors/node_context.hpp"
#include "actors/peers.hpp"

#include <atomic>
#include <cstdint>
#include <string>

namespace callboard {

/// Brings what comes from other nodes to the actors that it is for. Decodes on
/// the link's threads, keeps nothing, waits for nobody; a link with little to
/// do runs the actor as well (caller_runs). Before the actors exist
/// and after they ended nothing may come.
class peer_router : public peer_sink {
public:
  explicit peer_router(node_context& node) : node_{node} {
    // nop
  }

  void peer_up(peer_session session, const peer_identity& who) override;
  void peer_down(peer_session session) override;
  void peer_frame(peer_session session, peer_lane lane,
                  std::string frame) override;

  /// There is another map: peers that became members are announced to the
  /// shards. Any thread.
  void map_changed();

  /// Frames that were no messages of ours, since start.
  std::uint64_t garbage() const noexcept {
    return garbage_.load(std::memory_order_relaxed);
  }

private:
  void announce(peer_session session, node_number number,
                const peer_identity& who);
  void deliver(peer_session session, node_number from, remote::message x);

  node_context& node_;
  std::atomic<std::uint64_t> garbage_{0};
};

} // namespace callboard
