#include "actors/shard_actor.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace callboard {

namespace {

/// Alone, nothing is urgent; in a cluster Raft's clock must be finer than its
/// heartbeats.
constexpr auto tick_alone = std::chrono::milliseconds{100};
constexpr auto tick_in_cluster = std::chrono::milliseconds{20};
constexpr std::int64_t sweep_interval_ms = 1000;

} // namespace

problem not_ready() {
  return {errc::unavailable,
          "the shard is starting or has no leader at the moment; try again",
          {},
          std::chrono::seconds{1}};
}

problem no_room() {
  return {errc::unavailable,
          "the disk of the node that leads is full: nothing can be written "
          "until there is room; reading goes on",
          {},
          std::chrono::seconds{2}};
}

void shard_state::init(node_context& node, shard_id id) {
  node_ = &node;
  id_ = id;
  queues_.emplace(dispatch_queues::limits{
    .window = queue_window, .waiting = node.conf.dispatch.max_waiting});
  leases_.emplace(node.conf.dispatch.lease.count());
  raft_.emplace(node, id);
  if (auto ok = raft_->start(self_, steady_ms()); !ok)
    node.die("shard " + std::to_string(id.value) + ": " + ok.error().detail);
  self_->send(self_, tick{});
}

// -- requests enter
// --------------------------------------------------------------

void shard_state::handle(enter& x) {
  auto s = std::move(x.request);
  if (!takes_calls()) {
    if (is_own(*s))
      return refuse(*s, not_ready());
    return route(std::move(s), false);
  }
  if (s->early_refusal)
    return refuse(*s, *s->early_refusal);
  if (node_->no_space.load(std::memory_order_relaxed) != 0)
    return refuse(*s, no_room());
  if (s->kind == slot::what::define && s->definition->fields.empty()
      && !s->exists)
    return look_for_definition(std::move(s));
  s->id = next_slot_++;
  auto& room = room_of(s->room);
  touch(room, nullptr);
  slots_.emplace(s->id, s);
  room.lane.push_back(s);
  switch (s->kind) {
  case slot::what::publish:
  case slot::what::define:
    enter_publish(room, s);
    break;
  case slot::what::command:
    enter_command(room, s);
    break;
  }
  pump(room);
}

// Only what exists can be deleted.
void shard_state::look_for_definition(slot_ptr s) {
  node_->read([node = node_, me = shard_actor{self_}, s] {
    auto found = node->state->answer(
      query::definition{s->room, s->definition->id},
      [node](const room_key& x) { return node->shard_of(x); });
    s->exists = true;
    if (!found)
      s->early_refusal = found.error();
    caf::anon_send(me, enter{s});
  });
}

void shard_state::enter_publish(room_entry& room, const slot_ptr& s) {
  auto& items = s->request->items;
  s->verdicts.resize(items.size());
  // Usually all of a request is about one run: group by run, in order.
  std::vector<std::pair<run_id, std::vector<std::uint32_t>>> groups;
  for (std::uint32_t i = 0; i < items.size(); ++i) {
    auto draft = std::get_if<event_draft>(&items[i]);
    if (!draft) {
      auto& refused = std::get<publish_result>(items[i]);
      s->verdicts[i] = refused.error.value_or(problem{});
      continue;
    }
    // A run in the same request shall know it; ids that were seen before are
    // looked into later.
    if (draft->type == event_type::definition_updated && !draft->id_given
        && draft->delivery == event_delivery::durable)
      room.names->update(draft->definition, draft->body);
    auto at = std::ranges::find(groups, draft->run,
                                &decltype(groups)::value_type::first);
    if (at == groups.end())
      at = groups.insert(at, {draft->run, {}});
    at->second.push_back(i);
  }
  s->waiting = groups.size();
  for (auto& [run, mine] : groups) {
    decide_items job{s->id, s->request, std::move(mine)};
    if (!run.empty())
      send_to_run(room, run, std::move(job));
    else if (room.actor)
      self_->send(room.actor, std::move(job));
    else
      room.early.push_back(std::move(job));
  }
}

void shard_state::enter_command(room_entry& room, const slot_ptr& s) {
  s->waiting = 1;
  if (s->command->what == run_command::retry)
    s->successor = run_id{new_uuid7()};
  send_to_run(room, s->command->run,
              decide_command{s->id, s->command, s->successor});
}

void shard_state::send_to_run(room_entry& room, const run_id& id,
                              std::variant<decide_items, decide_command> job) {
  auto& run = run_of(room, id);
  touch(room, &run);
  ++run.deciding;
  if (!run.actor) {
    run.early.push_back(std::move(job));
    return;
  }
  std::visit([&](auto& x) { self_->send(run.actor, std::move(x)); }, job);
}

// -- deciders answer
// ---------------------------------------------------------------

void shard_state::handle(decided& x) {
  auto at = slots_.find(x.slot);
  if (at == slots_.end())
    return;
  auto s = at->second;
  auto& room = room_of(s->room);
  if (!x.run.empty())
    if (auto run = room.runs.find(x.run); run != room.runs.end())
      --run->second.deciding;
  if (!x.is_command) {
    for (std::size_t k = 0; k < x.items.size(); ++k)
      s->verdicts[x.items[k]] = std::move(x.verdicts[k]);
  } else {
    auto refused = std::holds_alternative<problem>(x.verdicts.front());
    if (s->command->what == run_command::retry && x.run == s->command->run
        && !refused) {
      // The old run agrees; the new one needs its fields.
      s->verdicts = std::move(x.verdicts);
      s->fields_wanted = true;
      return pump(room);
    }
    // retry: the new run's first event comes before the old one's note.
    s->verdicts.insert(s->verdicts.begin(),
                       std::make_move_iterator(x.verdicts.begin()),
                       std::make_move_iterator(x.verdicts.end()));
  }
  --s->waiting;
  pump(room);
}

void shard_state::handle(id_lookup& x) {
  auto at = slots_.find(x.slot);
  if (at == slots_.end())
    return;
  auto s = at->second;
  if (!x.after_drain)
    return look_up(s->room, std::move(x));
  s->after_drain.push_back(std::move(x));
  pump(room_of(s->room));
}

// Numbers what is decided, in order. The request at the front may have to wait
// until everything before it is applied, because the store is asked about it.
void shard_state::pump(room_entry& room) {
  while (!room.lane.empty() && room.actor) {
    auto s = room.lane.front();
    if (s->waiting > 0) {
      auto asks = !s->after_drain.empty() || s->fields_wanted;
      if (asks && room.applied == room.head)
        ask_store(room, *s);
      return;
    }
    room.lane.pop_front();
    number(room, s);
  }
}

void shard_state::ask_store(room_entry& room, slot& s) {
  for (auto& x : std::exchange(s.after_drain, {}))
    look_up(room.key, std::move(x));
  if (!std::exchange(s.fields_wanted, false))
    return;
  node_->read([node = node_, me = shard_actor{self_}, shard = id_, slot = s.id,
               room = room.key, run = s.command->run] {
    fields_found answer;
    answer.slot = slot;
    if (auto fields = node->state->retry_fields(shard, room, run))
      answer.fields = std::move(*fields);
    else
      answer.error = std::move(fields.error());
    caf::anon_send(me, std::move(answer));
  });
}

void shard_state::handle(fields_found& x) {
  auto at = slots_.find(x.slot);
  if (at == slots_.end())
    return;
  auto s = at->second;
  auto& room = room_of(s->room);
  if (x.error) {
    s->verdicts.assign(1, verdict{std::move(*x.error)});
    --s->waiting;
    return pump(room);
  }
  command_arguments create{*s->command};
  create.what = run_command::create;
  create.run = s->successor;
  // {…} becomes {…,"retry_of":"…"}.
  create.fields = std::move(x.fields);
  create.fields.pop_back();
  create.fields
    += create.fields.size() > 1 ? ",\"retry_of\":" : "\"retry_of\":";
  json::append_quoted(create.fields, s->command->run.value);
  create.fields += '}';
  send_to_run(
    room, s->successor,
    decide_command{
      s->id, std::make_shared<const command_arguments>(std::move(create)), {}});
}

void shard_state::look_up(const room_key& room, id_lookup x) {
  auto& entry = room_of(room);
  caf::actor who;
  if (x.run.empty())
    who = caf::actor_cast<caf::actor>(entry.actor);
  else if (auto run = entry.runs.find(x.run); run != entry.runs.end())
    who = caf::actor_cast<caf::actor>(run->second.actor);
  if (!who)
    return;
  node_->read([node = node_, shard = id_, room, who, x = std::move(x)] {
    ids_found answer;
    answer.slot = x.slot;
    answer.items = x.items;
    answer.after_drain = x.after_drain;
    for (auto& id : x.ids) {
      auto seq = node->state->find_event(shard, room, x.run, id);
      if (!seq)
        answer.error = seq.error();
      answer.seqs.push_back(seq ? *seq : std::nullopt);
    }
    caf::anon_send(who, std::move(answer));
  });
}

// -- refusing
// --------------------------------------------------------------------------

void shard_state::refuse(slot& s, const problem& why) {
  if (refuse_dispatch(s, why))
    return;
  std::vector<answer> out;
  if (s.gather) {
    std::vector<publish_result> part(s.request->items.size());
    for (auto& x : part)
      x.error = why;
    if (auto whole = s.gather->add(s.positions, std::move(part)))
      out.push_back({s.to, std::move(*whole)});
  } else {
    out.push_back({s.to, tl::unexpected{why}});
  }
  node_->counters.refused.fetch_add(1, std::memory_order_relaxed);
  release(s);
  send_answers(std::move(out));
}

// The leadership is lost: runs and rooms hold speculation and must go, and
// nobody was promised anything yet. The next leader is asked instead, where
// that is safe.
void shard_state::refuse_all(const problem& why) {
  for (auto& [id, s] : std::exchange(slots_, {})) {
    if (is_own(*s))
      refuse(*s, why);
    else
      route(s, s->proposed);
  }
  for (auto& [key, room] : rooms_) {
    for (auto& [id, run] : room->runs)
      if (run.actor)
        self_->send_exit(run.actor, caf::exit_reason::kill);
    if (room->actor)
      self_->send_exit(room->actor, caf::exit_reason::kill);
    for (auto& edge : room->joined)
      self_->send(edge, room_lost_out{key});
  }
  refuse_takers(why);
  leases_->clear();
  count_workers();
  node_->counters.active_runs.fetch_sub(active_runs_);
  node_->counters.active_rooms.fetch_sub(rooms_.size());
  active_runs_ = 0;
  rooms_.clear();
  in_flight_.clear();
  writer_ = {};
  batch_ = {};
  handing_to_.reset();
  drop_reads();
  // Others' viewers join where it leads now.
  for (auto& [tenant, edges] : watchers_)
    std::erase_if(edges, [this](const edge_listener& x) {
      return x != edge_listener{node_->edge};
    });
  std::erase_if(watchers_, [](const auto& x) { return x.second.empty(); });
  for (auto& promise : std::exchange(drains_, {}))
    promise.deliver(drained{true});
}

void shard_state::check_ready() {
  auto ready = raft_->ready();
  if (ready == std::exchange(was_ready_, ready))
    return;
  if (ready)
    return became_ready();
  node_->counters.leading.fetch_sub(1);
  say_who_leads(false);
  lose_leader();
  refuse_all(not_ready());
}

void shard_state::became_ready() {
  spdlog::debug("shard {} serves, term {}", id_.value,
                raft_->raft().term().value);
  own_term_ = raft_->raft().term();
  leads_since_ms_ = steady_ms();
  led_before_ = last_leader_;
  node_->counters.leading.fetch_add(1);
  load_leases();
  say_who_leads(true);
  set_leader({node_->self, own_term_});
}

// -- time
// ----------------------------------------------------------------------

void shard_state::handle(tick) {
  self_->delayed_send(self_, node_->cluster ? tick_in_cluster : tick_alone,
                      tick{});
  auto steady = steady_ms();
  raft_->tick(steady);
  after_raft();
  expire_calls(steady);
  go_on_handing_over(steady);
  tick_members(steady);
  tick_dispatch();
  auto now = wall_ms();
  if (now < next_sweep_ms_)
    return;
  next_sweep_ms_ = now + sweep_interval_ms;
  if (node_->cluster)
    node_->replicas.put(figures_of(*raft_, id_, *node_));
  passivate(now);
  trim_rooms(now);
}

caf::result<drained> shard_state::handle(const drain_now&) {
  auto promise = self_->make_response_promise<drained>();
  if (slots_.empty() && calls_.empty())
    promise.deliver(drained{true});
  else
    drains_.push_back(promise);
  return promise;
}

shard_actor::behavior_type
shard(shard_actor::stateful_pointer<shard_state> self, node_context* node,
      shard_id id) {
  auto& state = self->state;
  state.init(*node, id);
  return {
    [&state](enter& x) { state.handle(x); },
    [&state](decided& x) { state.handle(x); },
    [&state](id_lookup& x) { state.handle(x); },
    [&state](run_loaded& x) { state.handle(x); },
    [&state](const room_loaded& x) { state.handle(x); },
    [&state](fields_found& x) { state.handle(x); },
    [&state](flush_now x) { state.handle(x); },
    [&state](const log_durable& x) { state.handle(x); },
    [&state](const state_applied& x) { state.handle(x); },
    [&state](const state_flushed& x) { state.handle(x); },
    [&state](const state_pinned& x) { state.handle(x); },
    [&state](const state_installed& x) { state.handle(x); },
    [&state](const state_wiped& x) { state.handle(x); },
    [&state](state_staged& x) { state.handle(x); },
    [&state](const stream_over& x) { state.handle(x); },
    [&state](const digest_made& x) { state.handle(x); },
    [&state](join_room_request& x) { state.handle(x); },
    [&state](const leave_room_request& x) { state.handle(x); },
    [&state](ask_streams_request& x) { state.handle(x); },
    [&state](const watch_tenant_request& x) { state.handle(x); },
    [&state](take_run& x) { state.handle(x); },
    [&state](const stop_taking_runs& x) { state.handle(x); },
    [&state](renew_lease& x) { state.handle(x); },
    [&state](queue_loaded& x) { state.handle(x); },
    [&state](leases_loaded& x) { state.handle(x); },
    [&state](enter_read& x) { state.handle(x); },
    [&state](tick x) { state.handle(x); },
    [&state](const room_expired& x) { state.handle(x); },
    [&state](const peer_came& x) { state.handle(x); },
    [&state](const peer_went& x) { state.handle(x); },
    [&state](peer_message& x) { state.handle(x); },
    [&state](map_changed x) { state.handle(x); },
    [&state](hand_over_now x) { state.handle(x); },
    [&state](const transfer_to& x) { state.handle(x); },
    [&state](const list_actors& x) { return state.handle(x); },
    [&state](const find_actor& x) { return state.handle(x); },
    [&state](const describe& x) { return state.handle(x); },
    [&state](const drain_now& x) { return state.handle(x); },
  };
}

} // namespace callboard
