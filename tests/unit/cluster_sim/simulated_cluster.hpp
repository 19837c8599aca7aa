#pragma once

#include "tests/unit/cluster_sim/simulated_process.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace callboard::sim {

/// The engines of several nodes in one thread: real cluster, shard, run, room
/// and edge actors, real stores on disks that forget what was not synced,
/// simulated links and time. Which actor handles its next message, and which
/// frame comes next, is drawn from the seed: the same seed is the same history.
///
/// The first nodes found the cluster; the spare ones wait to be added.
class simulated_cluster {
public:
  simulated_cluster(std::uint32_t seed, const history_shape& shape,
                    witness& seen, mutant which);
  ~simulated_cluster();

  std::size_t size() const noexcept {
    return machines_.size();
  }
  const history_shape& shape() const noexcept {
    return shape_;
  }
  std::int64_t now_ms() const noexcept;

  bool up(std::size_t node) const noexcept;
  /// It is up and, as far as it knows, a member.
  bool serves(std::size_t node) const;
  /// The process ends at this moment; the disk keeps what was synced.
  void crash(std::size_t node);
  /// A node that finds itself removed gets an empty disk first.
  void restart(std::size_t node);
  /// Of a node that is down: an empty one takes its place.
  void replace_disk(std::size_t node);
  /// The disk takes nothing any more, or again.
  void fill_disk(std::size_t node, bool full);
  /// The state store takes nothing, or goes on; the log does all the time.
  void hold_store(std::size_t node, bool held);
  /// Nothing that is stored can be read there, or again.
  void hold_reader(std::size_t node, bool held);
  /// Hands all leaderships of a node over.
  void hand_over(std::size_t node);
  /// Wall clocks go to other times, hours apart; or to the same.
  void jump_clocks();
  void set_clocks_right();

  /// Only of a node that is up.
  engine& api(std::size_t node);
  const std::string& disk_of(std::size_t node) const;

  simulated_links& links() noexcept {
    return links_;
  }

  /// Lets everything happen that is due within that time.
  void run_for(std::int64_t ms);

  /// The newest map that a node knows that is up. Null: none is up.
  std::shared_ptr<const cluster_map> map() const;
  /// Of a map's node that is up.
  std::optional<std::size_t> place_of(const cluster_node& node) const;
  /// What is not as the map wants it: replicas that differ, or that are where
  /// they should not be. Empty: all is well.
  std::string unsettled() const;

  std::uint32_t shards() const noexcept {
    return shard_count;
  }
  /// Of a node that is up.
  shard_id shard_of(std::size_t node, const room_key& room) const;

  /// Of every choice, frame, answer and event so far: two histories with the
  /// same one are the same.
  std::uint64_t fingerprint() const noexcept {
    return fingerprint_;
  }

  std::mt19937 random;
  /// What the edge of a node hands to its hub.
  std::function<void(std::size_t node, answer x)> on_answer;
  std::function<void(std::size_t node, hub_id hub, room_signal x)> on_room;

private:
  struct config : caf::actor_system_config {
    config();
  };
  class node_sink;
  struct machine {
    std::unique_ptr<simulated_disk> disk;
    std::unique_ptr<node_sink> sink;
    std::unique_ptr<simulated_process> life; // null: down
    std::uint32_t disks = 0;
  };

  void begin(std::size_t node);
  void settle_now();
  void choose_clock();
  void note(std::uint64_t what) noexcept;
  std::string unsettled(shard_id shard, const placement& wanted) const;

  const history_shape shape_;
  mutant mutant_;
  simulated_links links_;
  config config_;
  caf::actor_system system_;
  caf::scheduler::test_coordinator& scheduler_;
  simulated_world world_;
  std::vector<machine> machines_;
  /// Actors may still refer to them.
  std::vector<std::unique_ptr<simulated_process>> dead_;
  std::vector<std::int64_t> clocks_ms_{0};
  std::uint64_t fingerprint_ = 0;
};

} // namespace callboard::sim
