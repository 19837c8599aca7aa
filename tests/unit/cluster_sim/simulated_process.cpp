#include "tests/unit/cluster_sim/simulated_process.hpp"

#include "actors/cluster_actor.hpp"
#include "actors/edge_actor.hpp"
#include "actors/log_writer.hpp"
#include "actors/maintenance.hpp"
#include "actors/shard_actor.hpp"
#include "actors/state_mover.hpp"
#include "actors/state_writer.hpp"
#include "actors/ticker.hpp"
#include "actors/type_ids.hpp"
#include "storage/shared_memory.hpp"

#include "tests/unit/cluster_sim/slow_store.hpp"

#include <caf/send.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace callboard::sim {

namespace {

template <class T>
T must(result<T> x) {
  if (!x)
    throw std::runtime_error{x.error().detail};
  return std::move(*x);
}

} // namespace

std::string node_name(std::size_t node) {
  return "n" + std::to_string(node + 1);
}

// -- the disk
// --------------------------------------------------------------------

/// Holds no OPTIONS files, which RocksDB writes at each start for people to
/// read: that took a tenth of all time.
class simulated_disk::quick_env : public test::power_cut_env {
public:
  rocksdb::Status NewWritableFile(const std::string& path,
                                  std::unique_ptr<rocksdb::WritableFile>* out,
                                  const rocksdb::EnvOptions& opts) override {
    if (path.find("/OPTIONS-") != std::string::npos)
      return rocksdb::Status::NotSupported();
    return power_cut_env::NewWritableFile(path, out, opts);
  }
};

simulated_disk::simulated_disk(std::string name)
    : name_{std::move(name)}, env_{std::make_unique<quick_env>()} {
  // nop
}

// -- the process
// -----------------------------------------------------------------

simulated_process::simulated_process(simulated_world& world, std::size_t number,
                                     simulated_disk& disk, edge_sink& sink)
    : router{node}, facade{world.system, node, sink}, world_{world},
      number_{number}, sink_{sink} {
  configure(disk);
  open(disk);
  know_itself(disk);
}

void simulated_process::configure(const simulated_disk& disk) {
  auto& conf = node.conf;
  conf.node.data_dir = disk.path().string();
  conf.engine.shards = shard_count;
  conf.cluster.listen = node_name(number_);
  for (std::size_t i = 0; i < world_.shape.nodes(); ++i)
    conf.cluster.join += (i == 0 ? "" : ",") + node_name(i);
  conf.cluster.leader_wait = std::chrono::milliseconds{3000};
  conf.cluster.chunk_bytes = 2048;
  conf.cluster.digest_interval = std::chrono::milliseconds{2000};
  conf.limits.waiting_calls = 256;
  conf.dispatch.lease = std::chrono::milliseconds{history_shape::lease_ms};
  if (world_.which == mutant::hasty_leases && number_ == 0)
    conf.dispatch.lease /= 4;
  // No look at the real disk, whose space is no part of the simulation.
  conf.storage.min_free_bytes = 0;
  if (world_.shape.short_logs)
    conf.storage.flush_after_log_bytes = 4096;
  if (world_.shape.retention)
    conf.storage.retain_events = history_shape::kept_events;
  node.name = node_name(number_);
  node.shard_bytes_in_flight
    = std::vector<std::atomic<std::uint64_t>>(shard_count);
  node.tick_at_ms = std::vector<std::atomic<std::uint64_t>>(shard_count);
}

void simulated_process::open(simulated_disk& disk) {
  storage_options opts;
  opts.dir = disk.path();
  opts.env = &disk.env();
  opts.block_cache_bytes = 1u << 20;
  // Write buffers and their filters are this large, and made at each start.
  opts.flush_after_log_bytes = 1u << 20;
  opts.opening_threads = 1;
  // Nothing is flushed behind our back: that would be up to the clock.
  opts.write_buffer_bytes = 512u << 20;
  opts = share_memory(std::move(opts));
  node.log = must(log_store::open(opts));
  node.state = must(state_store::open(opts, shard_count));
}

// As the engine's host does it.
void simulated_process::know_itself(const simulated_disk& disk) {
  identity_ = std::make_shared<node_identity_file>(
    must(node_identity_file::open(disk.path())));
  auto first = must(decode_cluster_map(world_.genesis));
  auto founds = std::ranges::find(first.nodes, disk.name(), &cluster_node::disk)
                != first.nodes.end();
  if (founds && identity_->cluster().empty())
    if (auto ok = identity_->join(first.cluster, world_.genesis); !ok)
      throw std::runtime_error{ok.error().detail};
  me_ = {node.name, disk.name(), identity_->cluster(), node.name, "sim", 1};
  if (!identity_->genesis().empty())
    node.set_first_map(std::make_shared<const cluster_map>(
      must(decode_cluster_map(identity_->genesis()))));
  if (identity_->latest().empty())
    return;
  auto latest = must(decode_cluster_map(identity_->latest()));
  auto me = std::ranges::find(latest.nodes, disk.name(), &cluster_node::disk);
  removed_ = me == latest.nodes.end();
  if (removed_)
    return;
  node.self = me->number;
  node.set_map(std::make_shared<const cluster_map>(std::move(latest)));
}

void simulated_process::start() {
  auto& system = world_.system;
  node.peers.use(world_.links.attach(number_));
  helpers_.push_back(caf::actor_cast<caf::actor>(system.spawn(reader)));
  node.readers.push_back(
    system.spawn(slow_reader, caf::actor_cast<reader_actor>(helpers_.back()),
                 &reader_held_));
  node.maintenance = system.spawn(maintenance, &node);
  spawn_writers();
  node.edge = system.spawn(edge, &node, &sink_);
  for (std::uint32_t i = 0; i < shard_count; ++i)
    node.shards.push_back(system.spawn(shard, &node, shard_id{i}));
  node.cluster = system.spawn(cluster, &node, &router, &sink_, identity_, me_);
  node.ticker = system.spawn(ticker, &node);
  world_.links.start(number_, me_, router);
  // Shards that began without the cluster actor hear of it by this.
  for (auto& x : node.shards)
    caf::anon_send(x, map_changed{});
}

void simulated_process::spawn_writers() {
  auto& system = world_.system;
  auto behind = [this](const auto& real) {
    helpers_.push_back(caf::actor_cast<caf::actor>(real));
    return real;
  };
  node.log_writer = system.spawn(log_writer, &node);
  node.state_mover = system.spawn(state_mover, &node);
  node.state_writer = system.spawn(state_writer, &node);
  switch (world_.which) {
  case mutant::early_sync:
    node.log_writer = system.spawn(early_log_writer, behind(node.log_writer));
    break;
  case mutant::lost_entry:
    if (number_ == 0)
      node.state_writer = system.spawn(
        careless_state_writer, behind(node.state_writer), &world_.random);
    break;
  case mutant::forgotten_ids:
    node.state_writer
      = system.spawn(forgetful_state_writer, behind(node.state_writer));
    break;
  case mutant::none:
  case mutant::skipped_event:
  case mutant::empty_state:
  case mutant::forged_votes:
  case mutant::hasty_leases:
  case mutant::unfenced:
    break;
  }
  node.state_writer = system.spawn(slow_store, behind(node.state_writer),
                                   &world_.seen, number_, &store_held_);
}

std::vector<caf::actor> simulated_process::actors() const {
  std::vector<caf::actor> out;
  auto add = [&out](const auto& x) {
    if (x)
      out.push_back(caf::actor_cast<caf::actor>(x));
  };
  add(node.ticker);
  add(node.log_writer);
  add(node.state_writer);
  add(node.state_mover);
  add(node.maintenance);
  for (auto& x : node.readers)
    add(x);
  for (auto& x : node.shards)
    add(x);
  add(node.edge);
  add(node.cluster);
  for (auto& x : helpers_)
    add(x);
  return out;
}

void simulated_process::hold_store(bool held) {
  store_held_ = held;
  if (!held)
    caf::anon_send(node.state_writer, flush_now{});
}

void simulated_process::hold_reader(bool held) {
  reader_held_ = held;
  if (!held)
    caf::anon_send(node.readers.front(), read_job{});
}

void simulated_process::close() {
  node.log.reset();
  node.state.reset();
}

} // namespace callboard::sim
