#pragma once

#include "actors/peer_router.hpp"
#include "actors/peers.hpp"

#include "tests/unit/cluster_sim/witness.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace callboard::sim {

/// Links of a simulated cluster: what actors/peers.hpp promises, and no more.
/// Frames of a lane of a session keep their order and take their time; a
/// session that ends takes with it what is under way. Directions can be cut:
/// then the session ends after link_timeout_ms, as nobody hears the heartbeat.
class simulated_links {
public:
  static constexpr std::int64_t link_timeout_us = 1'500'000;
  static constexpr std::int64_t redial_us = 300'000;

  simulated_links(std::size_t nodes, std::mt19937& random, witness& seen);

  /// For mutants: what becomes of each frame on its way.
  void change_frames(std::function<shared_bytes(shared_bytes)> change) {
    change_ = std::move(change);
  }

  /// The network of a node's present life; `peers` gets what arrives.
  std::unique_ptr<peer_network> attach(std::size_t node);
  void start(std::size_t node, peer_identity self, peer_sink& peers);
  /// The process is gone: its peers notice at once.
  void detach(std::size_t node);

  /// Nothing gets from `from` to `to` any more, or again.
  void cut(std::size_t from, std::size_t to, bool on);
  void heal();

  /// Ends, begins and notices what is due.
  void tick(std::int64_t now_us);

  /// One frame that has arrived by now, of any link. Null: none has.
  shared_bytes deliver_one(std::int64_t now_us);

  /// States of shards that were sent whole.
  std::uint64_t states() const noexcept {
    return states_;
  }

  /// Ends a session, as a reset or a broken connection does.
  void drop_some_session();

private:
  class node_network;

  struct frame {
    std::int64_t due_us;
    shared_bytes bytes;
  };

  struct session {
    std::uint64_t number;
    std::array<std::size_t, 2> ends;
    /// By the end that receives, then by lane.
    std::array<std::array<std::deque<frame>, 3>, 2> under_way;
    std::int64_t silent_since_us = -1;
    bool over = false;
  };

  struct place {
    peer_sink* sink = nullptr;
    peer_identity who;
  };

  bool send(std::size_t from, peer_session to, peer_lane lane,
            shared_bytes bytes);
  void reset(peer_session which);
  void end(std::size_t i);
  bool is_cut(std::size_t from, std::size_t to) const;
  void watch(std::size_t from, const std::string& bytes);

  std::mt19937& random_;
  witness& seen_;
  std::function<shared_bytes(shared_bytes)> change_;
  std::int64_t now_us_ = 0;
  std::vector<place> places_;
  std::vector<session> sessions_;
  std::set<std::pair<std::size_t, std::size_t>> cut_;
  std::vector<std::vector<std::int64_t>> dial_at_us_;
  std::uint64_t last_number_ = 0;
  std::uint64_t states_ = 0;
};

} // namespace callboard::sim
