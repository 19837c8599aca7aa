#pragma once

#include "actors/engine_facade.hpp"
#include "actors/node_context.hpp"
#include "actors/peer_router.hpp"
#include "storage/node_identity.hpp"

#include "tests/support/power_cut_env.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/cluster_sim/mutants.hpp"
#include "tests/unit/cluster_sim/shape.hpp"
#include "tests/unit/cluster_sim/simulated_links.hpp"
#include "tests/unit/cluster_sim/witness.hpp"

#include <caf/actor_system.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace callboard::sim {

inline constexpr std::uint32_t shard_count = 2;

/// What outlives a node's process, until somebody puts another disk in.
class simulated_disk {
public:
  explicit simulated_disk(std::string name);

  const std::string& name() const noexcept {
    return name_;
  }
  const std::filesystem::path& path() const noexcept {
    return dir_.path();
  }
  test::power_cut_env& env() noexcept {
    return *env_;
  }

private:
  class quick_env;

  std::string name_;
  test::temp_dir dir_;
  std::unique_ptr<test::power_cut_env> env_;
};

/// What the processes of a history have in common.
struct simulated_world {
  caf::actor_system& system;
  simulated_links& links;
  witness& seen;
  std::mt19937& random;
  const history_shape& shape;
  mutant which = mutant::none;
  /// The map that the cluster begins with, encoded.
  std::string genesis;
};

/// One life of a node: its stores on `disk`, and its actors, none of which has
/// a thread of its own here.
class simulated_process {
public:
  /// Throws what a node would end with.
  simulated_process(simulated_world& world, std::size_t number,
                    simulated_disk& disk, edge_sink& sink);

  /// Belonged to the cluster and was removed: it must not start again with
  /// this disk.
  bool was_removed() const noexcept {
    return removed_;
  }
  /// Its peers can reach it from now on.
  void start();
  std::vector<caf::actor> actors() const;
  /// While it is held, the state store takes nothing; the log goes on.
  void hold_store(bool held);
  /// While it is held, nothing that is stored can be read.
  void hold_reader(bool held);
  /// The stores let go of the disk; the actors are dead by now.
  void close();

  node_context node;
  peer_router router;
  engine_facade facade;

private:
  void configure(const simulated_disk& disk);
  void open(simulated_disk& disk);
  void know_itself(const simulated_disk& disk);
  void spawn_writers();

  simulated_world& world_;
  std::size_t number_;
  edge_sink& sink_;
  std::shared_ptr<node_identity_file> identity_;
  peer_identity me_;
  bool removed_ = false;
  bool store_held_ = false;
  bool reader_held_ = false;
  std::vector<caf::actor> helpers_; ///< Of the simulation.
};

std::string node_name(std::size_t node);

} // namespace callboard::sim
