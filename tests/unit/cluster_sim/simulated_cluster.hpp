#pragma once

#include "actors/engine_facade.hpp"
#include "actors/node_context.hpp"

#include "tests/support/power_cut_env.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/cluster_sim/simulated_links.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace callboard::sim {

/// A guarantee that is broken on purpose, to see that it is noticed.
enum class mutant {
  none,
  /// Appends are reported durable before they are written.
  early_sync,
  /// One node leaves some committed entries out of its state.
  lost_entry,
};

/// The engines of several nodes in one thread: real shard, run, room and edge
/// actors, real stores on disks that forget what was not synced, simulated
/// links and time. Which actor handles its next message, and which frame comes
/// next, is drawn from the seed: the same seed is the same history.
///
/// Members are fixed; there is no cluster actor.
class simulated_cluster {
public:
  simulated_cluster(std::uint32_t seed, std::size_t nodes, mutant which);
  ~simulated_cluster();

  std::size_t size() const noexcept {
    return machines_.size();
  }
  std::int64_t now_ms() const noexcept;

  bool up(std::size_t node) const noexcept;
  /// The process ends at this moment; the disk keeps what was synced.
  void crash(std::size_t node);
  void restart(std::size_t node);
  /// The disk takes nothing any more, or again.
  void fill_disk(std::size_t node, bool full);
  /// Hands all leaderships of a node over.
  void hand_over(std::size_t node);

  /// Only of a node that is up.
  engine& api(std::size_t node);

  simulated_links& links() noexcept {
    return links_;
  }

  /// Lets everything happen that is due within that time.
  void run_for(std::int64_t ms);

  /// The digest of a node's replica; nodes that applied the same agree.
  result<std::uint64_t> digest(std::size_t node, std::uint32_t shard) const;
  std::uint32_t shards() const noexcept {
    return shard_count;
  }

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
  static constexpr std::uint32_t shard_count = 2;

  struct config : caf::actor_system_config {
    config();
  };
  class node_sink;
  class disk;
  struct process;
  struct machine {
    test::temp_dir dir;
    std::unique_ptr<disk> env;
    std::unique_ptr<process> life; // null: down
  };

  void begin(std::size_t node);
  void settle_now();
  void note(std::uint64_t what) noexcept;

  mutant mutant_;
  std::shared_ptr<const cluster_map> map_;
  simulated_links links_;
  std::vector<machine> machines_;
  std::vector<std::unique_ptr<process>> dead_; // actors may still refer to them
  config config_;
  caf::actor_system system_;
  caf::scheduler::test_coordinator& scheduler_;
  std::uint64_t fingerprint_ = 0;
};

} // namespace callboard::sim
