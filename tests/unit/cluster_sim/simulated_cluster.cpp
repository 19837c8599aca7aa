#include "tests/unit/cluster_sim/simulated_cluster.hpp"

#include "actors/edge_actor.hpp"
#include "actors/log_writer.hpp"
#include "actors/maintenance.hpp"
#include "actors/peer_router.hpp"
#include "actors/shard_actor.hpp"
#include "actors/state_writer.hpp"
#include "actors/type_ids.hpp"
#include "storage/shared_memory.hpp"

#include "tests/unit/cluster_sim/mutants.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace callboard::sim {

namespace {

// One simulation at a time: the engine asks for the time by free functions.
std::int64_t simulated_us = 0;
std::mt19937* simulated_chance = nullptr;

constexpr std::int64_t begin_wall_ms = 1'767'323'045'000;

const outside_world world{
  [] { return simulated_us; },
  [] { return begin_wall_ms + simulated_us / 1000; },
  [] { return static_cast<std::uint32_t>((*simulated_chance)()); },
};

std::string node_name(std::size_t node) {
  return "n" + std::to_string(node + 1);
}

std::shared_ptr<const cluster_map> map_of(std::size_t nodes,
                                          std::uint32_t shards) {
  std::vector<cluster_node> all;
  for (std::size_t i = 0; i < nodes; ++i)
    all.push_back({{}, node_name(i), "disk-" + node_name(i), "", false});
  return std::make_shared<const cluster_map>(
    make_cluster_map("sim", shards, 3, std::move(all)));
}

/// In the place of the cluster actor: members are fixed here.
caf::behavior nobody(caf::event_based_actor*) {
  return {
    [](const peer_came&) {},
    [](const peer_went&) {},
    [](const peer_message&) {},
  };
}

} // namespace

/// Holds no OPTIONS files, which RocksDB writes at each start for people to
/// read: that took a tenth of all time.
class simulated_cluster::disk : public test::power_cut_env {
public:
  rocksdb::Status NewWritableFile(const std::string& path,
                                  std::unique_ptr<rocksdb::WritableFile>* out,
                                  const rocksdb::EnvOptions& opts) override {
    if (path.find("/OPTIONS-") != std::string::npos)
      return rocksdb::Status::NotSupported();
    return power_cut_env::NewWritableFile(path, out, opts);
  }
};

class simulated_cluster::node_sink : public edge_sink {
public:
  node_sink(simulated_cluster& owner, std::size_t node)
      : owner_{owner}, node_{node} {
    // nop
  }

  void answers(hub_id, std::vector<answer> xs) override {
    for (auto& x : xs) {
      owner_.note(x.to.request);
      owner_.on_answer(node_, std::move(x));
    }
  }

  void room(hub_id hub, std::vector<room_signal> xs) override {
    for (auto& x : xs) {
      owner_.note(x.index());
      owner_.on_room(node_, hub, std::move(x));
    }
  }

  void admin(const reply_address&, admin_request) override {
    // No operator is simulated.
  }

private:
  simulated_cluster& owner_;
  std::size_t node_;
};

struct simulated_cluster::process {
  process(simulated_cluster& owner, std::size_t number)
      : sink{owner, number}, router{owner.system_, node}, facade{owner.system_,
                                                                 node, sink} {
    // nop
  }

  std::vector<caf::actor> actors() const {
    std::vector<caf::actor> out;
    auto add = [&out](const auto& x) {
      if (x)
        out.push_back(caf::actor_cast<caf::actor>(x));
    };
    add(node.log_writer);
    add(node.state_writer);
    add(node.maintenance);
    for (auto& x : node.readers)
      add(x);
    for (auto& x : node.shards)
      add(x);
    add(node.edge);
    add(node.cluster);
    for (auto& x : helpers)
      add(x);
    return out;
  }

  node_context node;
  node_sink sink;
  peer_router router;
  engine_facade facade;
  std::vector<caf::actor> helpers;
};

simulated_cluster::config::config() {
  add_message_types<caf::id_block::callboard>();
  set("scheduler.policy", caf::atom("testing"));
  set("logger.verbosity", caf::atom("quiet"));
}

simulated_cluster::simulated_cluster(std::uint32_t seed, std::size_t nodes,
                                     mutant which)
    : random{seed}, mutant_{which}, map_{map_of(nodes, shard_count)},
      links_{nodes, random}, machines_(nodes), system_{config_},
      scheduler_{
        dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler())} {
  system_.await_actors_before_shutdown(false);
  simulated_us = 0;
  simulated_chance = &random;
  use_world(&world);
  for (std::size_t i = 0; i < nodes; ++i) {
    machines_[i].env = std::make_unique<disk>();
    begin(i);
  }
}

simulated_cluster::~simulated_cluster() {
  on_answer = [](auto, auto) {};
  on_room = [](auto, auto, auto) {};
  for (std::size_t i = 0; i < machines_.size(); ++i)
    if (up(i))
      crash(i);
  use_world(nullptr);
}

std::int64_t simulated_cluster::now_ms() const noexcept {
  return simulated_us / 1000;
}

bool simulated_cluster::up(std::size_t node) const noexcept {
  return machines_[node].life != nullptr;
}

engine& simulated_cluster::api(std::size_t node) {
  return machines_[node].life->facade;
}

result<std::uint64_t> simulated_cluster::digest(std::size_t node,
                                                std::uint32_t shard) const {
  return machines_[node].life->node.state->digest({shard});
}

void simulated_cluster::begin(std::size_t number) {
  auto& m = machines_[number];
  m.life = std::make_unique<process>(*this, number);
  auto& node = m.life->node;
  node.conf.node.data_dir = m.dir.path().string();
  node.conf.engine.shards = shard_count;
  node.conf.cluster.listen = "sim";
  node.conf.cluster.leader_wait = std::chrono::milliseconds{3000};
  // No look at the real disk, whose space is no part of the simulation.
  node.conf.storage.min_free_bytes = 0;
  node.name = node_name(number);
  node.shard_bytes_in_flight
    = std::vector<std::atomic<std::uint64_t>>(shard_count);
  storage_options opts;
  opts.dir = m.dir.path();
  opts.env = m.env.get();
  opts.block_cache_bytes = 1u << 20;
  // Write buffers and their filters are this large, and made at each start.
  opts.flush_after_log_bytes = 1u << 20;
  opts.opening_threads = 1;
  // Nothing is flushed behind our back: that would be up to the clock.
  opts.write_buffer_bytes = 512u << 20;
  opts = share_memory(std::move(opts));
  auto log = log_store::open(opts);
  auto state = state_store::open(opts, shard_count);
  if (!log || !state)
    throw std::runtime_error{log ? state.error().detail : log.error().detail};
  node.log = std::move(*log);
  node.state = std::move(*state);
  node.self = map_->nodes[number].number;
  node.set_first_map(map_);
  node.set_map(map_);
  node.peers.use(links_.attach(number));
  node.readers.push_back(system_.spawn(reader));
  node.maintenance = system_.spawn(maintenance, &node);
  node.log_writer = system_.spawn(log_writer, &node);
  node.state_writer = system_.spawn(state_writer, &node);
  if (mutant_ == mutant::early_sync) {
    m.life->helpers.push_back(caf::actor_cast<caf::actor>(node.log_writer));
    node.log_writer = system_.spawn(early_log_writer, node.log_writer);
  }
  if (mutant_ == mutant::lost_entry && number == 0) {
    m.life->helpers.push_back(caf::actor_cast<caf::actor>(node.state_writer));
    node.state_writer
      = system_.spawn(careless_state_writer, node.state_writer, &random);
  }
  node.edge = system_.spawn(edge, &node, &m.life->sink);
  node.cluster = caf::actor_cast<cluster_actor>(system_.spawn(nobody));
  for (std::uint32_t i = 0; i < shard_count; ++i)
    node.shards.push_back(system_.spawn(shard, &node, shard_id{i}));
  auto& self = map_->nodes[number];
  links_.start(number, {self.name, self.disk, map_->cluster, "", "sim", 1},
               m.life->router);
}

// An exit goes before everything else in a mailbox: nothing more is written.
void simulated_cluster::crash(std::size_t number) {
  auto& m = machines_[number];
  links_.detach(number);
  for (auto& x : m.life->actors())
    caf::anon_send_exit(x, caf::exit_reason::kill);
  m.life->node.end_proxies();
  for (int bound = 0; scheduler_.has_job() && bound < 1'000'000; ++bound)
    scheduler_.run_once();
  m.env->fail_writes(test::power_cut_env::fault::none);
  m.env->cut_after_syncs(0);
  m.life->node.log.reset();
  m.life->node.state.reset();
  m.env->restore_power();
  dead_.push_back(std::move(m.life));
}

void simulated_cluster::restart(std::size_t number) {
  begin(number);
}

void simulated_cluster::fill_disk(std::size_t node, bool full) {
  using fault = test::power_cut_env::fault;
  machines_[node].env->fail_writes(full ? fault::no_space : fault::none);
}

void simulated_cluster::hand_over(std::size_t node) {
  for (auto& x : machines_[node].life->node.shards)
    caf::anon_send(x, hand_over_now{});
}

void simulated_cluster::note(std::uint64_t what) noexcept {
  // FNV's step, with the chances taken so far in what is mixed in.
  fingerprint_
    = (fingerprint_ ^ what ^ static_cast<std::uint64_t>(simulated_us))
      * 1099511628211u;
}

/// All that can happen at this moment, in an order by chance.
void simulated_cluster::settle_now() {
  links_.tick(simulated_us);
  for (int bound = 0; bound < 1'000'000; ++bound) {
    auto& jobs = scheduler_.jobs;
    if (jobs.empty() || random() % 4 == 0) {
      if (auto frame = links_.deliver_one(simulated_us)) {
        note(std::hash<std::string>{}(*frame));
        continue;
      }
      if (jobs.empty())
        return;
    }
    if (jobs.size() > 1)
      std::swap(jobs.front(), jobs[random() % jobs.size()]);
    scheduler_.run_once();
  }
  throw std::runtime_error{"the actors never come to rest"};
}

void simulated_cluster::run_for(std::int64_t ms) {
  auto end = simulated_us + ms * 1000;
  settle_now();
  while (simulated_us < end) {
    auto step = static_cast<std::int64_t>(200 + random() % 4000);
    step = std::min(step, end - simulated_us);
    simulated_us += step;
    scheduler_.advance_time(std::chrono::microseconds{step});
    settle_now();
  }
}

} // namespace callboard::sim
