#include "actors/run_actor.hpp"

#include "actors/model/json.hpp"
#include "actors/node_context.hpp"

#include <utility>

namespace callboard {

void run_actor_state::init(shard_actor shard, room_key room, run_id run,
                           std::optional<run_brief> stored,
                           std::shared_ptr<const definition_names> names,
                           std::size_t max_steps) {
  shard_ = std::move(shard);
  decider_.emplace(std::move(room), std::move(run), std::move(stored),
                   std::move(names), max_steps);
}

void run_actor_state::handle(decide_items& x) {
  decider::outbox out;
  decider_->push(x.slot, std::move(x.request), std::move(x.items), wall_ms(),
                 out);
  send(out);
}

void run_actor_state::handle(decide_command& x) {
  decider::outbox out;
  decider_->push(x.slot, std::move(x.command), std::move(x.successor),
                 wall_ms(), out);
  send(out);
}

void run_actor_state::handle(ids_found& x) {
  decider::outbox out;
  decider_->found(std::move(x), out);
  send(out);
}

void run_actor_state::send(decider::outbox& out) {
  for (auto& x : out.lookups)
    self_->send(shard_, std::move(x));
  for (auto& x : out.decisions)
    self_->send(shard_, std::move(x));
}

description run_actor_state::describe() const {
  auto& machine = decider_->machine();
  auto& brief = machine.brief();
  std::string out = "{\"project_id\":";
  json::append_quoted(out, decider_->room().project.value);
  out += ",\"execution_id\":";
  json::append_quoted(out, decider_->run().value);
  out += ",\"exists\":";
  out += machine.exists() ? "true" : "false";
  out += ",\"status\":";
  if (machine.exists())
    json::append_quoted(out, to_string(brief.status));
  else
    out += "null";
  if (auto& held = brief.dispatch) {
    out += ",\"queue\":";
    json::append_quoted(out, held->queue);
    out += ",\"attempt\":";
    json::append_number(out, held->attempt);
    out += ",\"term\":";
    json::append_number(out, held->term);
    out += ",\"worker\":";
    if (held->secret.empty())
      out += "null";
    else
      json::append_quoted(out, held->worker);
  }
  out += ",\"steps\":{";
  auto separator = "";
  for (auto& [id, step] : brief.steps) {
    out += std::exchange(separator, ",");
    json::append_quoted(out, id.value);
    out += ':';
    json::append_quoted(out, to_string(step.status));
  }
  out += "}}";
  return {std::move(out), self_->mailbox().size(), decider_->memory(),
          machine.exists()};
}

run_actor::behavior_type run(run_actor::stateful_pointer<run_actor_state> self,
                             shard_actor shard, room_key room, run_id id,
                             std::shared_ptr<std::optional<run_brief>> stored,
                             std::shared_ptr<const definition_names> names,
                             std::size_t max_steps) {
  auto& state = self->state;
  state.init(std::move(shard), std::move(room), std::move(id),
             std::move(*stored), std::move(names), max_steps);
  return {
    [&state](decide_items& x) { state.handle(x); },
    [&state](decide_command& x) { state.handle(x); },
    [&state](ids_found& x) { state.handle(x); },
    [&state](const describe&) { return state.describe(); },
  };
}

} // namespace callboard
