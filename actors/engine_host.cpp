#include "actors/engine_host.hpp"

#include "actors/edge_actor.hpp"
#include "actors/engine_facade.hpp"
#include "actors/log_writer.hpp"
#include "actors/maintenance.hpp"
#include "actors/node_context.hpp"
#include "actors/shard_actor.hpp"
#include "actors/state_writer.hpp"
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
#include <thread>
#include <utility>

namespace callboard {

namespace {

class system_config : public caf::actor_system_config {
public:
  explicit system_config(const settings& conf) {
    add_message_types<caf::id_block::callboard>();
    set("scheduler.policy", caf::atom("sharing"));
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
      : config_{conf}, system_{config_}, facade_{system_, node_, sink} {
    node_.conf = conf;
    node_.name = conf.node.name.empty() ? host_name() : conf.node.name;
    node_.shard_bytes_in_flight
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
    return {};
  }

  void start(edge_sink& sink) {
    auto& conf = node_.conf;
    for (std::uint32_t i = 0; i < std::max(conf.storage.readers, 1u); ++i)
      node_.readers.push_back(system_.spawn<caf::detached>(reader));
    node_.maintenance = system_.spawn<caf::detached>(maintenance, &node_);
    node_.log_writer = system_.spawn<caf::detached>(log_writer, &node_);
    node_.state_writer = system_.spawn<caf::detached>(state_writer, &node_);
    node_.edge = system_.spawn(edge, &node_, &sink);
    for (std::uint32_t i = 0; i < conf.engine.shards; ++i)
      node_.shards.push_back(system_.spawn(shard, &node_, shard_id{i}));
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
    caf::scoped_actor self{system_};
    auto end = [&](const auto& handle) {
      if (!handle)
        return;
      self->send_exit(handle, caf::exit_reason::user_shutdown);
      self->wait_for(handle);
    };
    for (auto& shard : node_.shards)
      end(shard);
    end(node_.edge);
    end(node_.log_writer);
    end(node_.state_writer);
    end(node_.maintenance);
    for (auto& reader : node_.readers)
      end(reader);
    node_.shards.clear();
    node_.readers.clear();
    node_.edge = nullptr;
    node_.log_writer = nullptr;
    node_.state_writer = nullptr;
    node_.maintenance = nullptr;
  }

private:
  node_context node_; // outlives the actors: the system ends first
  system_config config_;
  caf::actor_system system_;
  engine_facade facade_;
  bool stopped_ = false;
};

} // namespace

result<std::unique_ptr<engine_host>> make_engine(const settings& conf,
                                                 edge_sink& sink) {
  auto made = std::make_unique<host>(conf, sink);
  if (auto ok = made->open(); !ok)
    return tl::unexpected{ok.error()};
  made->start(sink);
  return made;
}

} // namespace callboard
