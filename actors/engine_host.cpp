#include "actors/engine_host.hpp"

#include "actors/actor_pool.hpp"
#include "actors/cluster_actor.hpp"
#include "actors/edge_actor.hpp"
#include "actors/engine_facade.hpp"
#include "actors/log_writer.hpp"
#include "actors/maintenance.hpp"
#include "actors/node_context.hpp"
#include "actors/peer_router.hpp"
#include "actors/shard_actor.hpp"
#include "actors/state_mover.hpp"
#include "actors/state_writer.hpp"
#include "actors/ticker.hpp"
#include "storage/node_identity.hpp"
#include "storage/shared_memory.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <random>
#include <thread>
#include <utility>

namespace callboard {

namespace {

class system_config : public caf::actor_system_config {
public:
  explicit system_config(const settings& conf) {
    add_message_types<caf::id_block::callboard>();
    use_actor_pool(*this);
    set("scheduler.max-threads",
        static_cast<std::size_t>(conf.engine.scheduler_threads));
  }
};

std::string host_name() {
  std::array<char, 256> text{};
  ::gethostname(text.data(), text.size() - 1);
  return text[0] != '\0' ? text.data() : "node";
}

storage_options storage_of(const settings& conf) {
  storage_options opts;
  opts.dir = conf.node.data_dir;
  opts.block_cache_bytes = conf.storage.block_cache_bytes;
  opts.write_buffer_bytes = conf.storage.write_buffer_bytes;
  opts.flush_after_log_bytes = conf.storage.flush_after_log_bytes;
  return opts;
}

class host : public engine_host {
public:
  host(const settings& conf, edge_sink& sink)
      : config_{conf}, system_{config_}, facade_{system_, node_, sink},
        router_{node_} {
    node_.conf = conf;
    node_.name = conf.node.name.empty() ? host_name() : conf.node.name;
    node_.shard_bytes_in_flight
      = std::vector<std::atomic<std::uint64_t>>(conf.engine.shards);
    node_.tick_at_ms
      = std::vector<std::atomic<std::uint64_t>>(conf.engine.shards);
  }

  ~host() override {
    stop();
  }

  result<void> open() {
    auto opts = storage_of(node_.conf);
    opts = share_memory(std::move(opts));
    auto log = log_store::open(opts);
    if (!log)
      return tl::unexpected{log.error()};
    auto state = state_store::open(opts, node_.conf.engine.shards);
    if (!state)
      return tl::unexpected{state.error()};
    node_.log = std::move(*log);
    node_.state = std::move(*state);
    return know_myself();
  }

  result<void> start(edge_sink& sink, std::unique_ptr<peer_network> links,
                     const std::string& program) {
    auto& conf = node_.conf;
    node_.peers.use(std::move(links));
    for (std::uint32_t i = 0; i < std::max(conf.storage.readers, 1u); ++i)
      node_.readers.push_back(system_.spawn<caf::detached>(reader));
    node_.maintenance = system_.spawn<caf::detached>(maintenance, &node_);
    node_.log_writer = system_.spawn<caf::detached>(log_writer, &node_);
    node_.state_mover = system_.spawn<caf::detached>(state_mover, &node_);
    node_.state_writer = system_.spawn<caf::detached>(state_writer, &node_);
    node_.edge = system_.spawn(edge, &node_, &sink);
    for (std::uint32_t i = 0; i < conf.engine.shards; ++i)
      node_.shards.push_back(system_.spawn(shard, &node_, shard_id{i}));
    auto network = node_.peers.network();
    auto me = who_i_am(program);
    if (network)
      node_.cluster = system_.spawn<caf::detached>(cluster, &node_, &router_,
                                                   &sink, identity_, me);
    node_.ticker = system_.spawn(ticker, &node_);
    if (!network)
      return {};
    auto port = network->start(me, router_);
    if (!port)
      return tl::unexpected{port.error()};
    // Shards that began without the cluster actor hear of it by this.
    for (auto& x : node_.shards)
      caf::anon_send(x, map_changed{});
    return {};
  }

  void hand_over(std::chrono::milliseconds limit) override {
    if (!node_.cluster || node_.map()->nodes.size() < 2)
      return;
    node_.handing_over.store(true);
    for (auto& x : node_.shards)
      caf::anon_send(x, hand_over_now{});
    auto deadline = std::chrono::steady_clock::now() + limit;
    while (node_.counters.leading.load() > 0
           && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds{2});
    if (auto left = node_.counters.leading.load(); left > 0)
      spdlog::warn("{} shards found no other leader", left);
  }

  engine& api() noexcept override {
    return facade_;
  }

  result<void> wait_until_ready(std::chrono::milliseconds limit) override {
    auto deadline = std::chrono::steady_clock::now() + limit;
    while (node_.ready_shards.load() < node_.shards.size()) {
      if (std::chrono::steady_clock::now() > deadline)
        return fail(errc::unavailable,
                    "the node is not ready: " + facade_.ready().reason);
      std::this_thread::sleep_for(std::chrono::milliseconds{2});
    }
    return {};
  }

  void drain(std::chrono::milliseconds limit) override {
    node_.draining.store(true);
    {
      caf::scoped_actor self{system_};
      auto deadline = std::chrono::steady_clock::now() + limit;
      for (auto& shard : node_.shards) {
        auto left = std::max(deadline - std::chrono::steady_clock::now(),
                             std::chrono::steady_clock::duration{1});
        self
          ->request(shard,
                    std::chrono::duration_cast<std::chrono::milliseconds>(left),
                    drain_now{})
          .receive([](const drained&) {},
                   [](const caf::error&) {
                     spdlog::warn("requests under way were not all answered "
                                  "before the end of the drain time-out");
                   });
      }
    }
    // Makes the next start short; not needed for safety.
    if (auto done = node_.state->flush(); !done)
      spdlog::warn("the state store was not flushed: {}", done.error().detail);
  }

  void stop() override {
    if (std::exchange(stopped_, true) || !node_.state)
      return;
    // First, so that nothing comes in any more.
    if (auto network = node_.peers.network())
      network->stop();
    caf::scoped_actor self{system_};
    auto end = [&](const auto& handle) {
      if (!handle)
        return;
      self->send_exit(handle, caf::exit_reason::user_shutdown);
      self->wait_for(handle);
    };
    end(node_.ticker); // which uses the handles of these
    for (auto& shard : node_.shards)
      end(shard);
    end(node_.cluster);
    end(node_.edge);
    end(node_.log_writer);
    end(node_.state_writer);
    end(node_.state_mover);
    end(node_.maintenance);
    for (auto& reader : node_.readers)
      end(reader);
    node_.shards.clear();
    node_.readers.clear();
    node_.edge = nullptr;
    node_.ticker = nullptr;
    node_.cluster = nullptr;
    node_.log_writer = nullptr;
    node_.state_writer = nullptr;
    node_.state_mover = nullptr;
    node_.maintenance = nullptr;
  }

private:
  /// From the identity file: which disk this is, and the map that it knew last.
  result<void> know_myself() {
    auto identity = node_identity_file::open(node_.conf.node.data_dir);
    if (!identity)
      return tl::unexpected{identity.error()};
    identity_ = std::make_shared<node_identity_file>(std::move(*identity));
    if (node_.conf.cluster.listen.empty()) {
      if (!identity_->cluster().empty())
        return fail(errc::conflict, "the data in " + node_.conf.node.data_dir
                                      + " belongs to a node of cluster "
                                      + identity_->cluster()
                                      + ": start it with --cluster-listen");
      // Alone: a cluster of one that nobody can join.
      auto map = std::make_shared<const cluster_map>(make_cluster_map(
        {}, node_.conf.engine.shards, 1,
        {cluster_node{{}, node_.name, identity_->disk(), {}, false}}));
      node_.set_first_map(map);
      node_.set_map(map);
      return {};
    }
    auto known = [](const std::string& bytes)
      -> result<std::shared_ptr<const cluster_map>> {
      if (bytes.empty())
        return std::shared_ptr<const cluster_map>{};
      return decode_cluster_map(bytes).map([](cluster_map x) {
        return std::make_shared<const cluster_map>(std::move(x));
      });
    };
    auto first = known(identity_->genesis());
    auto latest = known(identity_->latest());
    if (!first || !latest)
      return tl::unexpected{first ? latest.error() : first.error()};
    if (*first)
      node_.set_first_map(*first);
    if (!*latest)
      return {};
    auto& nodes = (*latest)->nodes;
    auto me = std::ranges::find(nodes, identity_->disk(), &cluster_node::disk);
    if (me == nodes.end())
      return fail(errc::conflict,
                  "this node was removed from cluster " + identity_->cluster()
                    + "; start it with an empty data directory to join again");
    node_.self = me->number;
    node_.set_map(*latest);
    return {};
  }

  peer_identity who_i_am(const std::string& program) const {
    auto& conf = node_.conf.cluster;
    peer_identity me;
    me.name = node_.name;
    me.disk = identity_->disk();
    me.cluster = identity_->cluster();
    me.address = conf.advertise.empty() ? conf.listen : conf.advertise;
    me.program = program;
    me.incarnation = std::random_device{}();
    me.incarnation = me.incarnation << 32 | std::random_device{}();
    return me;
  }

  node_context node_; // outlives the actors: the system ends first
  system_config config_;
  caf::actor_system system_;
  engine_facade facade_;
  peer_router router_;
  std::shared_ptr<node_identity_file> identity_;
  bool stopped_ = false;
};

} // namespace

result<std::unique_ptr<engine_host>>
make_engine(const settings& conf, edge_sink& sink,
            std::unique_ptr<peer_network> links, const std::string& program) {
  auto made = std::make_unique<host>(conf, sink);
  if (auto ok = made->open(); !ok)
    return tl::unexpected{ok.error()};
  if (auto ok = made->start(sink, std::move(links), program); !ok)
    return tl::unexpected{ok.error()};
  return made;
}

} // namespace callboard
