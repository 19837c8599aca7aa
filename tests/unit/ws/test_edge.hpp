#pragma once

#include "transport/authenticator.hpp"
#include "transport/edge_metrics.hpp"
#include "transport/hub.hpp"

#include "tests/unit/ws/fake_engine.hpp"
#include "tests/unit/ws/ws_client.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace callboard::test {

/// One hub on a thread of its own, listening on loopback for WebSocket clients
/// only, in front of a fake engine.
class test_edge : private edge_sink {
public:
  explicit test_edge(settings conf = {});
  ~test_edge() override;

  /// A token of tenant "acme", user "ann", unless told otherwise.
  std::string token(authenticator::claims x) const;
  std::string token(std::string scope = "publish subscribe") const;

  ws_client connect(const std::string& target = "/ws");
  ws_client connect_with(const ws_client::options& x);

  /// Runs `f` on the hub's thread and waits for its end.
  void on_hub(std::function<void()> f);

  settings conf;
  edge_metrics metrics;
  fake_engine engine{*this};
  std::unique_ptr<hub> home;
  std::uint16_t port = 0;

private:
  class listener;

  void answers(hub_id, std::vector<answer> xs) override;
  void room(hub_id, std::vector<room_signal> xs) override;
  void admin(const reply_address& to, admin_request x) override;

  std::unique_ptr<authenticator> auth_;
  std::unique_ptr<listener> listener_;
  std::thread thread_;
};

} // namespace callboard::test
