#include "actors/edge_actor.hpp"

#include "actors/model/json.hpp"

#include <algorithm>
#include <utility>

namespace callboard {

const shard_actor& edge_state::shard(const room_key& room) const {
  return node_->shards[node_->shard_of(room).value];
}

void edge_state::post(hub_id hub, room_signal x) {
  std::vector<room_signal> xs;
  xs.push_back(std::move(x));
  sink_->room(hub, std::move(xs));
}

void edge_state::handle(const edge_join& x) {
  // Not yet in joined_: events reach the hub only after the room's answer.
  self_->send(shard(x.room), join_room_request{x.room, x.hub, x.token, {}});
}

void edge_state::handle(const edge_leave& x) {
  auto at = joined_.find(x.room);
  if (at == joined_.end())
    return;
  at->second.hubs.erase(x.hub);
  if (!at->second.hubs.empty())
    return;
  joined_.erase(at);
  self_->send(shard(x.room), leave_room_request{x.room, {}});
}

void edge_state::handle(const edge_watch& x) {
  auto& hubs = watching_[x.tenant];
  auto before = !hubs.empty();
  if (x.on)
    hubs.insert(x.hub);
  else
    hubs.erase(x.hub);
  auto now = !hubs.empty();
  if (!now)
    watching_.erase(x.tenant);
  if (before != now)
    for (auto& shard : node_->shards)
      self_->send(shard, watch_tenant_request{x.tenant, {}, now});
}

void edge_state::handle(const edge_ask_streams& x) {
  self_->send(shard(x.room), ask_streams_request{x.room, x.hub, x.token, {}});
}

void edge_state::handle(const room_events_out& x) {
  auto joined = joined_.find(x.batch->room);
  auto watching = watching_.find(x.batch->room.tenant);
  // What a deposed leader still says is known from its successor.
  if (joined != joined_.end() && x.batch->term != joined->second.term)
    return;
  if (joined != joined_.end())
    for (auto hub : joined->second.hubs)
      post(hub, x.batch);
  if (watching != watching_.end())
    for (auto hub : watching->second)
      if (joined == joined_.end() || !joined->second.hubs.contains(hub))
        post(hub, x.batch);
}

void edge_state::handle(joined_out& x) {
  // An answer can be overtaken by the news that another leads: its leader has
  // nothing to say any more, and nobody would tell the hub.
  if (x.answer.term < newest_[node_->shard_of(x.answer.room)])
    return post(x.hub, room_lost{x.answer.room});
  auto& room = joined_[x.answer.room];
  if (x.answer.term < room.term)
    return; // of a leader that is none any more
  room.term = x.answer.term;
  room.hubs.insert(x.hub);
  post(x.hub, std::move(x.answer));
}

void edge_state::handle(streams_out& x) {
  post(x.hub, std::move(x.answer));
}

void edge_state::handle(const room_lost_out& x) {
  auto at = joined_.find(x.room);
  if (at == joined_.end())
    return;
  for (auto hub : at->second.hubs)
    post(hub, room_lost{x.room});
  joined_.erase(at);
}

void edge_state::handle(const shard_lost_out& x) {
  auto& newest = newest_[x.shard];
  newest = std::max(newest, x.newest);
  std::vector<room_key> lost;
  for (auto& [room, joined] : joined_)
    if (node_->shard_of(room) == x.shard)
      lost.push_back(room);
  for (auto& room : lost)
    handle(room_lost_out{room});
}

void edge_state::handle(answers_out& x) {
  // Usually one or two hubs: split in place.
  while (!x.answers.empty()) {
    auto hub = x.answers.front().to.hub;
    std::vector<answer> mine, others;
    for (auto& a : x.answers)
      (a.to.hub == hub ? mine : others).push_back(std::move(a));
    sink_->answers(hub, std::move(mine));
    x.answers = std::move(others);
  }
}

description edge_state::describe() const {
  std::string out = "{\"rooms_joined\":";
  json::append_number(out, joined_.size());
  out += ",\"tenants_watched\":";
  json::append_number(out, watching_.size());
  out += ",\"hubs\":";
  json::append_number(out, node_->conf.listen.threads);
  out += '}';
  return {std::move(out), self_->mailbox().size()};
}

edge_actor::behavior_type edge(edge_actor::stateful_pointer<edge_state> self,
                               node_context* node, edge_sink* sink) {
  auto& state = self->state;
  state.init(*node, *sink);
  return {
    [&state](const room_events_out& x) { state.handle(x); },
    [&state](joined_out& x) { state.handle(x); },
    [&state](streams_out& x) { state.handle(x); },
    [&state](const room_lost_out& x) { state.handle(x); },
    [&state](answers_out& x) { state.handle(x); },
    [&state](const shard_lost_out& x) { state.handle(x); },
    [&state](const edge_join& x) { state.handle(x); },
    [&state](const edge_leave& x) { state.handle(x); },
    [&state](const edge_watch& x) { state.handle(x); },
    [&state](const edge_ask_streams& x) { state.handle(x); },
    [&state](const describe&) { return state.describe(); },
  };
}

} // namespace callboard
