#pragma once

#include "actors/engine.hpp"
#include "actors/model/problem.hpp"
#include "actors/peers.hpp"
#include "config/settings.hpp"

#include <chrono>
#include <memory>
#include <string>

namespace callboard {

/// The running engine of a node: stores, actors, threads. Lives as long as the
/// process serves; the edge_sink must outlive it.
class engine_host {
public:
  virtual ~engine_host() = default;

  virtual engine& api() noexcept = 0;

  /// Waits until every shard serves (its log replayed, its leader known).
  /// errc::unavailable after `limit`. Not from an actor's or a hub's thread.
  virtual result<void> wait_until_ready(std::chrono::milliseconds limit) = 0;

  /// Lets other nodes lead what this one leads; returns when they do, or after
  /// `limit`. Calls go on meanwhile. Nothing to do for a node that is alone.
  virtual void hand_over(std::chrono::milliseconds limit) = 0;

  /// Refuses new commands (unavailable), waits until those under way are
  /// answered, and makes everything durable; returns after `limit` at the
  /// latest. Reads go on.
  virtual void drain(std::chrono::milliseconds limit) = 0;

  /// Ends all actors and closes the stores. The last call.
  virtual void stop() = 0;
};

/// Opens the stores under `conf.node.data_dir` and starts the actors. With
/// cluster.listen set, `links` lead to the other nodes, and `program` is this
/// program's version, for them; else the node is alone and `links` null.
/// errc::unavailable, conflict or internal as log_store::open says.
result<std::unique_ptr<engine_host>>
make_engine(const settings& conf, edge_sink& sink,
            std::unique_ptr<peer_network> links = nullptr,
            const std::string& program = {});

} // namespace callboard
