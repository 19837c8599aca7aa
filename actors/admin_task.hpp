#pragma once

#include "actors/messages.hpp"
#include "actors/node_context.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace callboard {

/// Answers one question of an operator: asks shards and actors, waits for them
/// for a bounded time, sends the document to the edge, and ends.
///
/// Ids: a run is `{project}/{run}`, a room `project:{id}` or `tenant:{id}`, a
/// shard its number, the edge its node. Who sees all tenants (the operator
/// listener) gets and gives run and room ids with `{tenant}/` in front.
class admin_task_state {
public:
  static constexpr const char* name = "admin-task";

  explicit admin_task_state(caf::event_based_actor* self) noexcept
      : self_{self} {
    // nop
  }

  void init(node_context& node, reply_address to, admin_request what);

  /// The store's answer to a run's bare id: its project as JSON string, or
  /// nothing.
  void on_project(const std::string& quoted);

private:
  void start(const find_actors& x);
  void start(const inspect_actor& x);
  void start(const inspect_storage& x);
  void start(const inspect_cluster& x);
  void start(const cluster_order& x);
  void start(const find_sessions& x);
  void start(const end_session& x);

  void on_list(actor_list& x);
  void list_complete();
  void on_description(std::size_t place, const description* x);
  void page_complete();

  void inspect_run(const inspect_actor& x);
  void inspect_room(const inspect_actor& x);
  void find(const room_key& room, const run_id& run);
  void show(const std::string& kind, const std::string& id, caf::actor handle,
            std::int64_t last_activity_ms);

  void not_alone();
  void finish(result<document_answer> outcome);
  void not_found();

  std::string item(const actor_entry& x, const description* state) const;
  std::string shown_id(const actor_entry& x) const;

  caf::event_based_actor* self_;
  node_context* node_ = nullptr;
  reply_address to_;
  admin_request what_;
  std::size_t missing_ = 0;
  std::vector<actor_entry> entries_;
  std::vector<std::string> items_;
  std::string next_cursor_;
};

caf::behavior admin_task(caf::stateful_actor<admin_task_state>* self,
                         node_context* node, reply_address to,
                         std::shared_ptr<admin_request> what);

} // namespace callboard
