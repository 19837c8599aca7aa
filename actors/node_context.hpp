#pragma once

#include "actors/engine.hpp"
#include "actors/messages.hpp"
#include "actors/model/cluster_map.hpp"
#include "actors/move_slots.hpp"
#include "actors/peer_table.hpp"
#include "actors/replica_figures.hpp"
#include "config/settings.hpp"
#include "storage/log_store.hpp"
#include "storage/state_store.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace callboard {

/// Counters of the engine, written by all actors, read by /metrics.
struct node_counters {
  using counter = std::atomic<std::uint64_t>;

  counter accepted{0}, duplicate{0}, refused{0}, ephemeral{0}, proposed{0},
    syncs{0}, log_bytes{0}, applied{0}, reads{0}, overload{0};
  counter taken{0}, leases_lost{0}, released{0}, given_up{0}, heartbeats{0},
    lease_conflicts{0};
  counter waiting_workers{0}, leases{0}, replicas{0}; ///< Gauges.
  counter asks{0}, asks_refused{0}; ///< Of the cluster's actor; a gauge first.
  counter in_flight_bytes{0}, active_runs{0}, active_rooms{0}, leading{0};
  counter log_disk_bytes{0}, state_disk_bytes{0}; ///< Looked up each second.
  counter recovering_since_ms{0}; ///< steady_ms(); 0: no database recovers.
  latency_histogram sync_seconds, publish_seconds, apply_seconds;
};

/// How often groups look at the time, in a cluster: the resolution of election
/// time-outs.
inline constexpr std::chrono::milliseconds tick_interval{20};

/// Why the node takes no writes at the moment, one bit each.
enum class no_space_reason : std::uint8_t {
  low = 1,   ///< Less than storage.min_free_bytes is free.
  log = 2,   ///< The log could not be written.
  state = 4, ///< The state store could not be written.
};

/// What the actors of one node share. Handles are set once, before the first
/// message; everything else is immutable or atomic. Owned by the engine host,
/// outlives all actors.
struct node_context {
  settings conf;
  std::string name;
  std::unique_ptr<log_store> log;
  std::unique_ptr<state_store> state;

  std::vector<reader_actor> readers;
  std::vector<shard_actor> shards;
  log_writer_actor log_writer;
  state_writer_actor state_writer;
  state_mover_actor state_mover; ///< Null: the state writer does its work.
  maintenance_actor maintenance;
  edge_actor edge;
  cluster_actor cluster; ///< Null: the node is alone.
  ticker_actor ticker;

  /// This node's number in the cluster; 1 if it is alone. Set with the first
  /// map, before any shard sees it.
  std::atomic<node_number> self{node_number{1}};
  peer_table peers;
  replica_figures replicas; ///< For /metrics; empty if the node is alone.
  move_slots states_out, states_in; ///< Up to conf.cluster.moves each.

  node_counters counters;
  std::vector<std::atomic<std::uint64_t>> shard_bytes_in_flight;
  /// When each shard wants its next tick, in steady_ms(). Written by the shard.
  std::vector<std::atomic<std::uint64_t>> tick_at_ms;
  std::atomic<std::uint32_t> ready_shards{0};
  std::atomic<std::uint8_t> no_space{0};
  std::atomic<bool> draining{false};
  std::atomic<bool> handing_over{false}; ///< Leaderships go to other nodes.

  /// Who belongs to the cluster; version 0: none yet. Any thread.
  std::shared_ptr<const cluster_map> map() const noexcept {
    return map_.load();
  }
  void set_map(std::shared_ptr<const cluster_map> x) noexcept {
    map_.store(std::move(x));
  }

  /// The map that this cluster began with, if this node was in it then: groups
  /// without anything on the disk begin with its members. Null: it was not.
  std::shared_ptr<const cluster_map> first_map() const noexcept {
    return first_map_.load();
  }
  void set_first_map(std::shared_ptr<const cluster_map> x) noexcept {
    first_map_.store(std::move(x));
  }

  /// To whoever asked: a hub of this node, or the node that passed a call on.
  void answer(std::vector<answer> xs) const;

  /// To a node that passed a call on: it was not done, or maybe.
  void bounce(const reply_address& to, remote::call_fate fate) const;

  shard_id shard_of(const room_key& room) const noexcept;

  /// Runs `work` on a reader's thread, later. Any thread.
  void read(std::function<void()> work);

  /// Tells the other nodes when it changes. Any thread.
  void set_no_space(no_space_reason why, bool on);
  void say_no_space() const; ///< To all nodes, whatever it is.

  /// Lets a store that found no space try again. It may hang (RocksDB 7.8 now
  /// and then waits for ever in its second recovery): the process ends after
  /// storage.recovery_timeout, which a start mends. Blocks, also while another
  /// does so; a store's writer or a reader.
  template <class Store>
  void recover(Store& store) {
    recover([&store] { store.resume(); });
  }

  /// The disk is broken: says so and ends the process at once, since nothing
  /// may be promised any more and nothing acknowledged is lost by dying.
  [[noreturn]] void die(const std::string& why) const;

private:
  void recover(const std::function<void()>& resume);
  void send_to_session(peer_session session, remote::message x) const;

  std::mutex recovering_mutex_;
  std::atomic<std::uint32_t> next_reader_{0};
  std::atomic<std::shared_ptr<const cluster_map>> map_{
    std::make_shared<const cluster_map>()};
  std::atomic<std::shared_ptr<const cluster_map>> first_map_;
};

/// Where time and chance come from. One for the process.
struct outside_world {
  std::int64_t (*steady_us)();
  std::int64_t (*wall_ms)();
  std::uint32_t (*random)();
};

/// For simulations, before the first actor: `world` takes the place of the
/// machine's clocks and randomness; null: those again. It must outlive its use.
void use_world(const outside_world* world) noexcept;

/// A number that nobody can foretell, for seeds.
std::uint32_t random_seed();

/// Wall clock in ms since the Unix epoch.
std::int64_t wall_ms() noexcept;

/// Monotonic clock.
std::uint64_t steady_ms() noexcept;
std::int64_t steady_us() noexcept;

} // namespace callboard
