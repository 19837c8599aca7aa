#include "actors/remote_frame.hpp"
#include "actors/room_actor.hpp"
#include "actors/run_actor.hpp"
#include "actors/shard_actor.hpp"

#include <algorithm>
#include <utility>

// Runs and rooms live in the store; their actors come when they are needed and
// go when they are idle.

namespace callboard {

namespace {

/// Names a room's history. Below 2^53, so that every JSON reader keeps it.
std::uint64_t new_epoch() {
  auto random = std::uint64_t{random_seed()} << 32 | random_seed();
  return (random >> 11) | 1;
}

/// What one idle run costs, for the memory budget; measured by
/// benchmarks/engine_benchmark.cpp.
constexpr std::uint64_t run_bytes = 2048;

} // namespace

room_entry& shard_state::room_of(const room_key& key) {
  auto& place = rooms_[key];
  if (place)
    return *place;
  place = std::make_unique<room_entry>();
  place->key = key;
  place->last_activity_ms = wall_ms();
  node_->counters.active_rooms.fetch_add(1);
  node_->read([node = node_, me = shard_actor{self_}, shard = id_,
               term = own_term_, key] {
    room_loaded answer;
    answer.room = key;
    answer.term = term;
    if (auto found = node->state->load_room(shard, key)) {
      answer.head = found->head;
      answer.oldest = found->oldest;
      answer.epoch = found->epoch;
      answer.definitions = std::move(found->definitions);
    } else {
      answer.error = std::move(found.error());
    }
    caf::anon_send(me, std::move(answer));
  });
  return *place;
}

void shard_state::handle(const room_loaded& x) {
  auto at = rooms_.find(x.room);
  if (at == rooms_.end() || at->second->actor || x.term != own_term_)
    return; // gone, or of an earlier leadership
  if (x.error)
    node_->die("room state cannot be read: " + x.error->detail);
  auto& room = *at->second;
  room.head = room.told = room.applied = x.head;
  room.oldest = x.oldest;
  room.epoch = x.head == event_seq{} ? new_epoch() : x.epoch;
  for (auto& [id, raw] : x.definitions)
    room.names->set(id, raw);
  auto stored = x;
  stored.epoch = room.epoch;
  stored.definitions.clear();
  room.actor = self_->spawn(callboard::room, node_, shard_actor{self_},
                            room.key, std::move(stored));
  if (auto watchers = watchers_.find(room.key.tenant);
      watchers != watchers_.end())
    for (auto watcher : watchers->second)
      self_->send(room.actor,
                  watch_tenant_request{room.key.tenant, watcher, true});
  for (auto& job : std::exchange(room.early, {}))
    self_->send(room.actor, std::move(job));
  for (auto& join : std::exchange(room.waiting_joins, {}))
    std::visit(
      [&](auto& request) { self_->send(room.actor, std::move(request)); },
      join);
  answer_finders(room.finders, caf::actor_cast<caf::actor>(room.actor),
                 room.last_activity_ms);
  for (auto& run : std::exchange(room.loaded_runs, {}))
    handle(run);
  pump(room);
}

run_entry& shard_state::run_of(room_entry& room, const run_id& id) {
  auto [at, fresh] = room.runs.try_emplace(id);
  if (!fresh)
    return at->second;
  ++active_runs_;
  node_->counters.active_runs.fetch_add(1);
  node_->read([node = node_, me = shard_actor{self_}, shard = id_,
               term = own_term_, key = room.key, id] {
    run_loaded answer;
    answer.term = term;
    answer.room = key;
    answer.run = id;
    if (auto found = node->state->load_run(shard, key, id))
      answer.brief = std::move(*found);
    else
      answer.error = std::move(found.error());
    caf::anon_send(me, std::move(answer));
  });
  return at->second;
}

void shard_state::handle(run_loaded& x) {
  auto room = rooms_.find(x.room);
  if (room == rooms_.end() || x.term != own_term_)
    return;
  auto at = room->second->runs.find(x.run);
  if (at == room->second->runs.end() || at->second.actor)
    return;
  if (x.error)
    node_->die("run state cannot be read: " + x.error->detail);
  if (!room->second->actor) {
    room->second->loaded_runs.push_back(std::move(x));
    return;
  }
  auto& run = at->second;
  auto exists = x.brief.has_value();
  run.actor = self_->spawn(
    callboard::run, shard_actor{self_}, x.room, x.run,
    std::make_shared<std::optional<run_brief>>(std::move(x.brief)),
    room->second->names,
    static_cast<std::size_t>(node_->conf.limits.steps_per_run));
  for (auto& job : std::exchange(run.early, {}))
    std::visit(
      [&](auto& request) { self_->send(run.actor, std::move(request)); }, job);
  // A run that does not exist is not shown; its entry goes with the next sweep.
  answer_finders(run.finders,
                 exists ? caf::actor_cast<caf::actor>(run.actor) : caf::actor{},
                 run.last_activity_ms);
}

void shard_state::touch(room_entry& room, run_entry* run) {
  auto now = wall_ms();
  room.last_activity_ms = now;
  if (run)
    run->last_activity_ms = now;
}

// Only what the store knows completely may go: everything that the actor
// accepted is applied, and nothing is on its way to it.
bool shard_state::may_go(const room_entry&, const run_entry& run) const {
  return run.actor && run.deciding == 0 && run.early.empty()
         && run.finders.empty() && run.last_batch <= batches_applied_;
}

void shard_state::passivate(std::int64_t now_ms) {
  auto idle = node_->conf.engine.passivate_after.count();
  auto budget = node_->conf.engine.active_run_bytes / node_->conf.engine.shards;
  // Over the budget the idle time shrinks, down to a second.
  if (active_runs_ * run_bytes > budget)
    idle = std::max<std::int64_t>(1000, idle / 60);
  for (auto at = rooms_.begin(); at != rooms_.end();) {
    auto& room = *at->second;
    // The clock may have been set back since.
    room.last_activity_ms = std::min(room.last_activity_ms, now_ms);
    for (auto& [id, run] : room.runs)
      run.last_activity_ms = std::min(run.last_activity_ms, now_ms);
    std::erase_if(room.runs, [&](auto& x) {
      auto& run = x.second;
      if (!may_go(room, run) || !room.lane.empty()
          || now_ms - run.last_activity_ms < idle)
        return false;
      self_->send_exit(run.actor, caf::exit_reason::user_shutdown);
      --active_runs_;
      node_->counters.active_runs.fetch_sub(1);
      return true;
    });
    auto gone = room.actor && room.runs.empty() && room.lane.empty()
                && room.joined.empty() && room.waiting_joins.empty()
                && room.finders.empty() && room.last_batch <= batches_applied_
                && room.applied == room.head && in_flight_.empty()
                && batch_.posts.empty() && batch_.trims.empty()
                && now_ms - room.last_activity_ms
                     >= node_->conf.engine.passivate_after.count();
    if (!gone) {
      ++at;
      continue;
    }
    self_->send_exit(room.actor, caf::exit_reason::user_shutdown);
    node_->counters.active_rooms.fetch_sub(1);
    at = rooms_.erase(at);
  }
}

// -- viewers' nodes
// ------------------------------------------------------------------

void shard_state::handle(join_room_request& x) {
  const auto most = node_->conf.limits.waiting_calls;
  if (!raft_->ready()) {
    if (leader_.node != node_number{} && leader_.node != node_->self)
      node_->peers.send(
        leader_.node, peer_lane::normal,
        frame(remote::join_room{std::move(x.room), x.hub, x.token}));
    else if (waiting_joins_.size() < most)
      waiting_joins_.push_back(std::move(x));
    return;
  }
  if (joins_asked_.size() >= most)
    return; // the hub asks again
  // As a read: the head that a viewer is told must not be that of a leader who
  // is none any more.
  auto asked = raft_->read(steady_ms());
  if (!asked)
    return; // likewise
  joins_asked_.emplace(*asked, std::move(x));
  settle_reads();
}

void shard_state::join(join_room_request& x) {
  auto& room = room_of(x.room);
  touch(room, nullptr);
  if (std::ranges::find(room.joined, x.node) == room.joined.end())
    room.joined.push_back(x.node);
  if (room.actor)
    self_->send(room.actor, std::move(x));
  else
    room.waiting_joins.emplace_back(std::move(x));
}

void shard_state::handle(const leave_room_request& x) {
  if (!raft_->ready() && leader_.node != node_->self)
    node_->peers.send(leader_.node, peer_lane::normal,
                      frame(remote::leave_room{x.room}));
  auto at = rooms_.find(x.room);
  if (at == rooms_.end())
    return;
  std::erase(at->second->joined, x.node);
  if (at->second->actor)
    self_->send(at->second->actor, x);
}

void shard_state::handle(ask_streams_request& x) {
  if (!raft_->ready()) {
    node_->peers.send(
      leader_.node, peer_lane::normal,
      frame(remote::ask_streams{std::move(x.room), x.hub, x.token}));
    return;
  }
  auto& room = room_of(x.room);
  if (room.actor)
    self_->send(room.actor, std::move(x));
  else
    room.waiting_joins.emplace_back(std::move(x));
}

void shard_state::handle(const watch_tenant_request& x) {
  auto& nodes = watchers_[x.tenant];
  std::erase(nodes, x.node);
  if (x.on)
    nodes.push_back(x.node);
  if (nodes.empty())
    watchers_.erase(x.tenant);
  if (!raft_->ready())
    node_->peers.send(leader_.node, peer_lane::normal,
                      frame(remote::watch_tenant{id_, x.tenant, x.on}));
  for (auto& [key, room] : rooms_)
    if (key.tenant == x.tenant && room->actor)
      self_->send(room->actor, x);
}

} // namespace callboard
