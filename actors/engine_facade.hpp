#pragma once

#include "actors/engine.hpp"
#include "actors/node_context.hpp"
#include "actors/slot.hpp"

#include <caf/actor_system.hpp>

#include <memory>
#include <string>

namespace callboard {

/// The engine as hubs call it: places each request on its shard, refuses what
/// is over the limits or what the node cannot take now, and sends the rest. Any
/// thread; never waits.
class engine_facade : public engine {
public:
  engine_facade(caf::actor_system& system, node_context& node, edge_sink& sink);

  void publish(const reply_address& to, publish_request x) override;
  void command(const reply_address& to, command_request x) override;
  void define(const reply_address& to, definition_request x) override;
  void ask(const reply_address& to, query::any x) override;
  void history(const reply_address& to, history_request x) override;
  void admin(const reply_address& to, admin_request x) override;
  void reply(const reply_address& to, result<document_answer> x) override;
  void take(const reply_address& to, take_request x) override;
  void stop_taking(const reply_address& to, const room_key& room) override;
  void lease(const reply_address& to, lease_request x) override;
  void join_room(hub_id hub, room_key room, std::uint64_t token) override;
  void leave_room(hub_id hub, room_key room) override;
  void watch_tenant(hub_id hub, tenant_id tenant, bool on) override;
  void ask_streams(hub_id hub, room_key room, std::uint64_t token) override;
  readiness ready() const override;
  engine_metrics metrics() const override;
  std::string node_name() const override;

private:
  void enter_shard(slot_ptr s);
  std::optional<problem> why_no_writes() const;
  void refuse(const reply_address& to, problem why);

  caf::actor_system& system_;
  node_context& node_;
  edge_sink& sink_;
};

} // namespace callboard
