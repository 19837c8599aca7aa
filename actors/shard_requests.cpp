#include "actors/shard_actor.hpp"

#include <algorithm>
#include <utility>

// Requests enter, deciders answer, and what is decided leaves its room's lane
// in order.

namespace callboard {

// -- requests enter
// --------------------------------------------------------------

void shard_state::handle(enter& x) {
  auto s = std::move(x.request);
  if (node_->no_space.load(std::memory_order_relaxed) != 0)
    give_way(steady_ms());
  if (!takes_calls()) {
    if (is_own(*s))
      return refuse(*s, not_ready());
    return route(std::move(s), false);
  }
  if (s->refusal) {
    s->id = next_slot_++;
    slots_.emplace(s->id, s);
    return refuse_when_sure(s);
  }
  if (auto full = why_no_room())
    return refuse(*s, std::move(*full));
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
      s->refusal = found.error();
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

} // namespace callboard
