#include "actors/model/json.hpp"
#include "actors/shard_actor.hpp"

#include <utility>

// What operators may ask of a shard and of the actors on it.

namespace callboard {

caf::result<actor_list> shard_state::handle(const list_actors& x) {
  actor_list result;
  for (auto& [key, room] : rooms_) {
    if (!x.tenant.empty() && key.tenant != x.tenant)
      continue;
    if (x.rooms && room->actor)
      result.entries.push_back({"room", key.tenant.value, room_name(key),
                                caf::actor_cast<caf::actor>(room->actor),
                                room->last_activity_ms});
    if (!x.runs)
      continue;
    for (auto& [id, run] : room->runs)
      if (run.actor)
        result.entries.push_back(
          {"run", key.tenant.value, key.project.value + "/" + id.value,
           caf::actor_cast<caf::actor>(run.actor), run.last_activity_ms});
  }
  return result;
}

caf::result<found_actor> shard_state::handle(const find_actor& x) {
  auto promise = self_->make_response_promise<found_actor>();
  if (!raft_->ready()) {
    promise.deliver(found_actor{});
    return promise;
  }
  auto wait_in = [&](std::vector<std::uint64_t>& finders) {
    finders_.emplace(next_finder_, promise);
    finders.push_back(next_finder_++);
  };
  auto& room = room_of(x.room);
  if (x.run.empty()) {
    if (room.actor)
      promise.deliver(found_actor{caf::actor_cast<caf::actor>(room.actor),
                                  room.last_activity_ms});
    else
      wait_in(room.finders);
    return promise;
  }
  auto& run = run_of(room, x.run);
  if (run.actor)
    promise.deliver(found_actor{caf::actor_cast<caf::actor>(run.actor),
                                run.last_activity_ms});
  else
    wait_in(run.finders);
  return promise;
}

void shard_state::answer_finders(std::vector<std::uint64_t>& finders,
                                 caf::actor handle,
                                 std::int64_t last_activity_ms) {
  for (auto id : std::exchange(finders, {})) {
    auto at = finders_.find(id);
    at->second.deliver(found_actor{handle, last_activity_ms});
    finders_.erase(at);
  }
}

caf::result<description> shard_state::handle(const describe&) {
  auto out = replica_json(*raft_, id_, true);
  out += ",\"leader\":";
  json::append_quoted(out, leader_name());
  out += ",\"ready\":";
  out += raft_->ready() ? "true" : "false";
  out += ",\"active_runs\":";
  json::append_number(out, active_runs_);
  out += ",\"active_rooms\":";
  json::append_number(out, rooms_.size());
  out += ",\"waiting_workers\":";
  json::append_number(out, queues_->waiting());
  out += ",\"leases\":";
  json::append_number(out, leases_->size());
  out += ",\"requests_under_way\":";
  json::append_number(out, slots_.size());
  out += ",\"in_flight_bytes\":";
  json::append_number(out, node_->shard_bytes_in_flight[id_.value].load());
  out += '}';
  return description{std::move(out), self_->mailbox().size(),
                     rooms_.size() * sizeof(room_entry)
                       + active_runs_ * sizeof(run_entry)};
}

} // namespace callboard
