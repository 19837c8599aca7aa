#pragma once

#include "actors/engine.hpp"
#include "config/settings.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace callboard {

class http_endpoint;

/// The edge of a node: listeners, event loops (hubs), sessions, HTTP routes.
///
/// Construct it first (it is the engine's edge_sink), then start() it with the
/// engine, stop() it before the engine ends.
class server : public edge_sink {
public:
  struct bound {
    std::uint16_t port = 0;          ///< As bound (never 0 after start()).
    std::uint16_t operator_port = 0; ///< 0: no separate listener.
  };

  /// Checks keys and addresses; opens nothing.
  static result<std::unique_ptr<server>> create(const settings& conf);

  ~server() override;

  /// Adds a client protocol; it comes before those that are served anyway.
  /// Before start().
  void serve(std::unique_ptr<http_endpoint> x);

  /// Binds and listens, then serves on threads of its own.
  /// errc::unavailable names the address that cannot be bound.
  result<bound> start(engine& target);

  /// Goes on serving what is there, accepts no new work, sends `goaway` and
  /// closes viewers (1012); returns when all sessions are gone or after the
  /// drain timeout.
  void drain();

  /// Closes everything and joins the threads.
  void stop();

  /// Called (on a hub's thread) when an operator asks for a drain.
  void on_drain_request(std::function<void()> f);

  void answers(hub_id hub, std::vector<answer> xs) override;
  void room(hub_id hub, std::vector<room_signal> xs) override;
  /// Before start() the question waits for it.
  void admin(const reply_address& to, admin_request x) override;

private:
  struct impl;
  explicit server(std::unique_ptr<impl> x);
  std::unique_ptr<impl> impl_;
};

} // namespace callboard
