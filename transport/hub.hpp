#pragma once

#include "actors/engine.hpp"
#include "config/settings.hpp"
#include "transport/authenticator.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace boost::asio {
class io_context;
} // namespace boost::asio

namespace callboard {

class viewer_rooms;
struct edge_metrics;

/// What a hub, and the list of sessions, knows of one connection. Members are
/// called on the hub's thread.
class session {
public:
  struct description {
    std::uint64_t id = 0;
    std::string user;
    tenant_id tenant;
    std::string transport;  ///< "websocket", "http"
    std::string vocabulary; ///< "native", "" for HTTP
    std::string peer;
    std::int64_t connected_ms = 0;
    std::vector<std::string> rooms;
    std::size_t queue_bytes = 0;
    bool lagging = false;
    std::string acknowledged = {}; ///< The event that the client named last.
  };

  virtual ~session() = default;
  virtual description describe() const = 0;
  /// Announces the node's end (WebSocket: goaway), then closes. HTTP: answers
  /// what is under way with `Connection: close`.
  virtual void drain(std::chrono::milliseconds reconnect_in) = 0;
  /// An operator closes it.
  virtual void close() = 0;
  /// About once a second, for time-outs: one timer per hub instead of several
  /// per connection.
  virtual void tick(std::chrono::steady_clock::time_point now);
  /// Writes what was queued since the last call: see hub::flush_later().
  virtual void flush();
};

/// One event loop: the thread, its sessions, the requests under way and the
/// rooms that its viewers look at. Everything here runs on the hub's own thread
/// unless said otherwise, so that nothing needs a lock or a strand.
class hub {
public:
  hub(hub_id id, const settings& conf, const authenticator& auth,
      edge_metrics& metrics);
  ~hub();

  hub_id id() const noexcept;
  boost::asio::io_context& io() noexcept;
  const settings& conf() const noexcept;
  const authenticator& auth() const noexcept;
  edge_metrics& metrics() noexcept;
  engine& target() noexcept; ///< Set by attach().
  viewer_rooms& rooms() noexcept;

  /// Before run(): the engine that requests go to.
  void attach(engine& target);

  /// The loop; returns after stop(). Called by the hub's thread.
  void run();
  void stop(); ///< Any thread.

  /// Runs `f` on the hub's thread, later. Any thread.
  void post(std::function<void()> f);

  /// Registers a request: `on_answer` is called once, on this thread, when the
  /// engine answers, or never if forget() came first.
  using answer_handler = std::function<void(answer)>;
  reply_address expect(std::uint64_t session, answer_handler on_answer);
  void forget(const reply_address& to);

  /// Any thread (edge_sink): hands answers and room signals over to the loop,
  /// with one wake-up for what arrives together.
  void deliver(std::vector<answer> xs);
  void deliver(std::vector<room_signal> xs);

  /// Has `x.flush()` called once, after all that the loop is handling now, so
  /// that frames queued in one turn leave in one system call.
  void flush_later(session& x);

  /// The sessions that live here. A session adds and removes itself; the hub
  /// lets go of a removed one only after the handler that runs now.
  std::uint64_t add(const std::shared_ptr<session>& x); ///< Returns its id:
                                                        ///< unique in the node,
                                                        ///< never 0.
  void remove(std::uint64_t id);
  std::vector<std::shared_ptr<session>> sessions() const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace callboard
