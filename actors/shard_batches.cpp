#include "actors/shard_actor.hpp"

#include <algorithm>
#include <utility>

// How decided requests become log entries, and those what viewers are told.
// (Answers: shard_answers.cpp.)

namespace callboard {

namespace {

/// Proposals on their way to the disk. With more, entries only get smaller:
/// what is decided during a sync goes into one entry with the next.
constexpr std::size_t most_unsynced = 2;

posted_event make_posted(event_seq seq, const event_record& record) {
  posted_event event;
  event.seq = seq;
  event.run = record.run;
  event.step = record.step;
  event.frame
    = std::make_shared<const std::string>(frame_text(seq, record.tail));
  auto prefix = event.frame->size() - record.tail.size();
  event.type_name = std::string_view{*event.frame}.substr(
    prefix + record.type_begin, record.type_size);
  event.facts = shared_facts(record.facts);
  return event;
}

} // namespace

// -- numbering
// -----------------------------------------------------------------

void shard_state::number(room_entry& room, const slot_ptr& s) {
  if (s->kind == slot::what::command) {
    // All or none.
    for (auto& v : s->verdicts)
      if (auto why = std::get_if<problem>(&v)) {
        s->refusal = std::move(*why);
        return refuse_when_sure(s);
      }
  }
  const bool refused = is_refusal(*s);
  s->results.resize(s->verdicts.size());
  for (std::size_t i = 0; i < s->verdicts.size(); ++i)
    number_item(room, *s, i);
  s->verdicts.clear();
  if (refused)
    return refuse_when_sure(s);
  batch_.answers.push_back(s);
  want_flush();
}

void shard_state::number_item(room_entry& room, slot& s, std::size_t i) {
  auto& counters = node_->counters;
  auto& result = s.results[i];
  if (s.request) {
    if (auto draft = std::get_if<event_draft>(&s.request->items[i]))
      result.id = draft->id.value;
    else
      result.id = std::get<publish_result>(s.request->items[i]).id;
  }
  auto& v = s.verdicts[i];
  if (auto x = std::get_if<accepted>(&v)) {
    counters.accepted.fetch_add(1, std::memory_order_relaxed);
    result.id = x->record.id.value;
    if (s.grant && x->dispatch)
      s.lease = x->dispatch;
    result.seq = add_event(room, *x);
  } else if (auto passed = std::get_if<passed_on>(&v)) {
    counters.ephemeral.fetch_add(1, std::memory_order_relaxed);
    batch_.posts.push_back(
      {&room, std::move(passed->event), std::move(passed->note)});
  } else if (auto twin = std::get_if<duplicate_of>(&v)) {
    counters.duplicate.fetch_add(1, std::memory_order_relaxed);
    result.seq = twin->seq;
  } else if (auto same = std::get_if<same_as>(&v)) {
    counters.duplicate.fetch_add(1, std::memory_order_relaxed);
    result.seq = s.results[same->item].seq;
  } else {
    counters.refused.fetch_add(1, std::memory_order_relaxed);
    auto why = std::get_if<problem>(&v);
    result.error = why ? std::move(*why)
                       : problem{errc::internal, "the event was not decided"};
  }
}

event_seq shard_state::add_event(room_entry& room, accepted& x) {
  auto seq = next(room.head);
  room.head = seq;
  room.last_batch = next_batch_;
  if (!x.record.run.empty())
    if (auto run = room.runs.find(x.record.run); run != room.runs.end())
      run->second.last_batch = next_batch_;
  if (x.record.type == event_type::definition_updated)
    room.names->update(x.record.definition, x.record.body());
  writer_.add(room.key, seq, room.epoch, x.record);
  note_effect(room, x);
  batch_.posts.push_back(
    {&room, make_posted(seq, x.record), std::move(x.note)});
  auto& limits = node_->conf.engine;
  if (writer_.count() >= limits.batch_events
      || writer_.bytes() >= limits.batch_bytes)
    propose();
  return seq;
}

void shard_state::want_flush() {
  // Behind everything that is in the mailbox by now: that goes along.
  if (!std::exchange(flush_sent_, true))
    self_->send(self_, flush_now{});
}

void shard_state::handle(flush_now) {
  flush_sent_ = false;
  check_ready();
  if (raft_->unsynced() < most_unsynced || writer_.empty())
    propose();
  settle_reads();
}

void shard_state::propose() {
  if (writer_.empty()) {
    // Nothing durable: told in its turn, behind what is under way.
    if (batch_.posts.empty() && batch_.answers.empty())
      return;
    auto x = std::exchange(batch_, {});
    if (in_flight_.empty())
      return dispatch(x);
    auto& last = in_flight_.back();
    std::ranges::move(x.posts, std::back_inserter(last.posts));
    if (last.told)
      tell(last);
    std::ranges::move(x.effects, std::back_inserter(last.effects));
    std::ranges::move(x.answers, std::back_inserter(last.answers));
    return;
  }
  // Nothing is taken while the leadership goes; if nothing comes of that, what
  // was collected goes then (go_on_handing_over).
  if (raft_->ready() && !raft_->takes_commands())
    return;
  constexpr log_index not_yet{~std::uint64_t{0}};
  batch_.number = next_batch_++;
  batch_.index = not_yet;
  for (auto& s : batch_.answers)
    s->proposed = true;
  in_flight_.push_back(std::exchange(batch_, {}));
  auto payload = std::make_shared<const std::string>(writer_.take());
  auto index = raft_->propose(std::move(payload), steady_ms());
  // Not leading any more: nothing of this may ever be told. The next message
  // finds it out and refuses everything under way; not here, where callers
  // still hold on to their rooms.
  if (!index)
    return want_flush();
  in_flight_.back().index = *index;
  node_->counters.proposed.fetch_add(1, std::memory_order_relaxed);
}

// -- progress
// ----------------------------------------------------------------------

void shard_state::handle(const log_durable& x) {
  raft_->handle(x, steady_ms());
  after_raft();
  if (!writer_.empty() && raft_->unsynced() < most_unsynced)
    propose();
}

/// Viewers need not wait until the store here knows what most disks have: it
/// answers nobody before it does (shard_reads.cpp).
void shard_state::tell_committed() {
  const auto upto = raft_->committed_of(own_term_);
  for (auto& x : in_flight_) {
    if (x.index > upto)
      return;
    if (!x.told)
      tell(x);
  }
}

void shard_state::handle(const state_applied& x) {
  raft_->handle(x);
  // First: what another leader's entries took the place of is not to be told.
  check_ready();
  while (!in_flight_.empty() && in_flight_.front().index <= x.upto) {
    auto done = std::move(in_flight_.front());
    in_flight_.pop_front();
    dispatch(done);
  }
  check_ready();
  settle_reads();
  go_on_handing_over(steady_ms());
}

void shard_state::handle(const state_flushed& x) {
  raft_->handle(x);
}

void shard_state::handle(const state_pinned& x) {
  raft_->handle(x);
}

void shard_state::handle(const state_installed& x) {
  raft_->handle(x, steady_ms());
  after_raft();
}

void shard_state::handle(const state_wiped& x) {
  raft_->handle(x);
}

void shard_state::handle(state_staged& x) {
  raft_->handle(x, steady_ms());
  after_raft();
}

void shard_state::handle(const stream_over& x) {
  raft_->handle(x);
}

void shard_state::handle(const digest_made& x) {
  raft_->handle(x);
}

void shard_state::handle(const replica_loaded& x) {
  raft_->handle(x, steady_ms());
  after_raft();
}

void shard_state::handle(export_pinned& x) {
  raft_->handle(x);
}

void shard_state::dispatch(open_batch& x) {
  if (!x.told)
    tell(x);
  batches_applied_ = std::max(batches_applied_, x.number);
  for (auto& [room, upto] : x.heads)
    room->applied = std::max(room->applied, upto);
  for (auto& [room, upto] : x.trims) {
    room->oldest = next(upto);
    self_->send(room->actor, room_publish{room->oldest, nullptr, {}});
  }
  for (auto& [room, upto] : x.heads)
    if (room->applied == room->head && !room->lane.empty())
      pump(*room);
  apply_effects(x.effects);
  std::vector<answer> out;
  out.reserve(x.answers.size());
  for (auto& s : x.answers)
    answer_slot(s, out);
  send_answers(std::move(out));
  if (slots_.empty())
    for (auto& promise : std::exchange(drains_, {}))
      promise.deliver(drained{true});
}

// One message per room and batch, however many events.
void shard_state::tell(open_batch& x) {
  struct telling {
    room_entry* room;
    std::shared_ptr<room_batch> batch;
    room_publish message;
  };
  std::vector<telling> all;
  std::unordered_map<room_entry*, std::size_t> places;
  room_entry* last_room = nullptr;
  std::size_t at = 0;
  for (auto& p : std::exchange(x.posts, {})) {
    if (p.room != last_room) {
      auto [found, fresh] = places.try_emplace(p.room, all.size());
      at = found->second;
      last_room = p.room;
      if (fresh) {
        all.push_back({p.room, std::make_shared<room_batch>(), {}});
        all.back().batch->room = p.room->key;
        all.back().batch->previous = p.room->told;
        all.back().batch->term = own_term_;
      }
    }
    auto& t = all[at];
    if (p.note.kind != stream_note::what::nothing)
      t.message.notes.emplace_back(
        static_cast<std::uint32_t>(t.batch->events.size()), std::move(p.note));
    if (p.event.seq != event_seq{})
      p.room->told = p.event.seq;
    t.batch->events.push_back(std::move(p.event));
  }
  for (auto& t : all) {
    t.message.batch = std::move(t.batch);
    self_->send(t.room->actor, std::move(t.message));
    x.heads.emplace_back(t.room, t.room->told);
  }
  x.told = true;
}

} // namespace callboard
