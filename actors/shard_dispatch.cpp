#include "actors/remote_frame.hpp"
#include "actors/shard_actor.hpp"

#include <algorithm>
#include <utility>

// Runs and the workers that take them. The queues and the leases' clocks are in
// the leader's memory; what they lead to (taken, lost) is decided by the run
// and is as durable as every other event.

namespace callboard {

namespace {

std::int64_t clock_ms() noexcept {
  return static_cast<std::int64_t>(steady_ms());
}

std::string new_secret() {
  std::string out;
  while (out.size() < lease_secret_bytes) {
    auto x = random_seed();
    for (std::size_t i = 0; i < sizeof x && out.size() < lease_secret_bytes;
         ++i)
      out.push_back(static_cast<char>(x >> (8 * i)));
  }
  return out;
}

/// What the worker is told of its lease.
std::string lease_json(const run_id& run, const dispatch_state& lease,
                       std::chrono::milliseconds period) {
  std::string out = "{\"token\":";
  json::append_quoted(out, lease_token(run, lease));
  out += ",\"execution_id\":";
  json::append_quoted(out, run.value);
  out += ",\"attempt\":";
  json::append_number(out, lease.attempt);
  out += ",\"term\":";
  json::append_number(out, lease.term);
  out += ",\"worker\":";
  json::append_quoted(out, lease.worker);
  out += ",\"lease_ms\":";
  json::append_number(out, static_cast<std::uint64_t>(period.count()));
  out += ",\"expires_at\":";
  json::append_quoted(out, iso8601(wall_ms() + period.count()));
  return out + '}';
}

} // namespace

// -- workers ask
// -----------------------------------------------------------------

void shard_state::handle(take_run& x) {
  if (!takes_calls())
    return route(x.to, std::move(x.what));
  auto now = clock_ms();
  auto wait = std::min(x.what.wait, node_->conf.dispatch.max_wait);
  dispatch_queues::outbox out;
  if (auto ok = queues_->wait(
        {std::move(x.what.room), std::move(x.what.queue)},
        {x.to, std::move(x.what.worker), now + wait.count()}, now, out);
      !ok)
    return answer_taker(x.to, tl::unexpected{std::move(ok.error())});
  carry_out(out);
}

void shard_state::handle(const stop_taking_runs& x) {
  if (queues_->stop(x.room, x.to))
    return count_workers();
  for (auto& [token, call] : calls_)
    if (!call.request && call.to == x.to) {
      if (call.sent_to != node_number{})
        node_->peers.send(
          call.sent_to, peer_lane::normal,
          frame(remote::call{id_, 0, remote::stop_taking{x.room, token}}));
      calls_.erase(token);
      return;
    }
  // It may be about to get one: that one goes back.
  for (auto& [id, s] : slots_)
    if (s->grant && s->to == x.to)
      s->abandoned = true;
}

void shard_state::handle(renew_lease& x) {
  // As a read: who does not lead any more must not keep a lease alive.
  enter_read message{x.to, lease_request{lease_request::what::heartbeat,
                                         std::move(x.room),
                                         std::move(x.claim),
                                         {}}};
  handle(message);
}

void shard_state::renew(const reply_address& to, const lease_request& x) {
  auto lease = leases_->renew(x.room, x.claim, clock_ms());
  if (!lease) {
    node_->counters.lease_conflicts.fetch_add(1, std::memory_order_relaxed);
    return answer_taker(to, tl::unexpected{std::move(lease.error())});
  }
  node_->counters.heartbeats.fetch_add(1, std::memory_order_relaxed);
  answer_taker(to, document_answer{lease_json(x.claim.run, **lease,
                                              node_->conf.dispatch.lease)});
}

void shard_state::answer_taker(const reply_address& to,
                               decltype(answer::outcome) outcome) {
  std::vector<answer> out;
  out.push_back({to, std::move(outcome)});
  send_answers(std::move(out));
}

// -- runs and workers come together
// -----------------------------------------------

void shard_state::carry_out(dispatch_queues::outbox& out) {
  for (auto& who : out.in_vain)
    answer_taker(who.to, document_answer{{}, 204});
  for (auto& queue : out.loads)
    load_queue(std::move(queue));
  for (auto& grant : out.grants)
    take(std::move(grant));
  count_workers();
}

void shard_state::load_queue(queue_key queue) {
  node_->read([node = node_, me = shard_actor{self_}, shard = id_,
               term = own_term_, queue = std::move(queue)]() mutable {
    queue_loaded found;
    found.term = term;
    auto page
      = node->state->queued_runs(shard, queue.room, queue.name, queue_window);
    found.queue = queue;
    if (page)
      found.page = std::move(*page);
    else
      found.error = std::move(page.error());
    caf::anon_send(me, std::move(found));
  });
}

void shard_state::handle(queue_loaded& x) {
  if (x.error)
    node_->die("a queue cannot be read: " + x.error->detail);
  if (!was_ready_ || x.term != own_term_)
    return; // of an earlier leadership
  dispatch_queues::outbox out;
  queues_->loaded(x.queue, x.page, clock_ms(), out);
  carry_out(out);
}

void shard_state::take(dispatch_queues::grant grant) {
  command_arguments order;
  order.what = run_command::take;
  order.run = grant.run.run;
  order.lease.worker = grant.who.worker;
  order.lease.secret = new_secret();
  auto s = std::make_shared<slot>();
  s->room = grant.queue.room;
  s->to = grant.who.to;
  s->grant = std::move(grant);
  enter_own(std::move(s), std::move(order));
}

void shard_state::enter_own(slot_ptr s, command_arguments order) {
  s->kind = slot::what::command;
  s->began_us = steady_us();
  s->command = std::make_shared<const command_arguments>(std::move(order));
  enter message{std::move(s)};
  handle(message);
}

/// False: it is not about workers, refuse it as usual.
bool shard_state::refuse_dispatch(slot& s, const problem& why) {
  if (!is_own(s))
    return false;
  release(s);
  // Else it never got there, for want of a leader or of room: the run is as it
  // was, and is asked again.
  const bool decided
    = why.code == errc::conflict || why.code == errc::not_found;
  if (!s.grant) { // lose
    const auto& order = *s.command;
    if (decided) { // the run has ended, or gone on, by itself
      leases_->end(s.room, order.run, order.lease.term);
      answer_about_leases();
    } else {
      leases_->ask_again(s.room, order.run, order.lease.term);
    }
    return true;
  }
  if (!decided) {
    queues_->put_back(*s.grant);
    if (!s.abandoned)
      answer_taker(s.to, tl::unexpected{why});
  } else if (s.abandoned) {
    queues_->granted(*s.grant);
  } else {
    dispatch_queues::outbox out;
    queues_->refused(std::move(*s.grant), clock_ms(), out);
    carry_out(out);
  }
  return true;
}

bool shard_state::is_own(const slot& s) noexcept {
  return s.kind == slot::what::command
         && (s.command->what == run_command::take
             || s.command->what == run_command::lose);
}

// The worker gets the run as it can be read from now on.
void shard_state::answer_take(const slot_ptr& s) {
  queues_->granted(*s->grant);
  node_->counters.taken.fetch_add(1, std::memory_order_relaxed);
  auto run = s->command->run;
  if (s->abandoned) {
    command_arguments order;
    order.what = run_command::release;
    order.run = run;
    order.reason = "the worker was gone before it could be told";
    order.lease.claim
      = {run, s->lease->attempt, s->lease->term, s->lease->secret};
    auto back = std::make_shared<slot>();
    back->room = s->room;
    back->to = s->to; // nobody listens there any more
    return enter_own(std::move(back), std::move(order));
  }
  node_->read([node = node_, to = s->to, room = s->room, run,
               lease = lease_json(run, *s->lease, node_->conf.dispatch.lease)] {
    answer out{to, {}};
    auto detail = node->state->answer(
      query::run_detail{room, run},
      [node](const room_key& x) { return node->shard_of(x); });
    if (detail)
      out.outcome
        = document_answer{"{\"lease\":" + lease + ",\"run\":" + *detail + '}'};
    else
      out.outcome = tl::unexpected{std::move(detail.error())};
    std::vector<answer> one;
    one.push_back(std::move(out));
    node->answer(std::move(one));
  });
}

// -- what applied events mean
// ---------------------------------------------------

void shard_state::note_effect(const room_entry& room, const accepted& x) {
  auto mark = x.record.dispatch.mark;
  auto ended = x.note.kind == stream_note::what::run_ended;
  if (mark != dispatch_mark::none || ended)
    batch_.effects.push_back({room.key, x.record.run, mark, x.dispatch, ended});
}

void shard_state::apply_effects(std::vector<dispatch_effect>& effects) {
  if (effects.empty())
    return;
  dispatch_queues::outbox out;
  auto now = clock_ms();
  auto& counters = node_->counters;
  auto count
    = [](auto& counter) { counter.fetch_add(1, std::memory_order_relaxed); };
  for (auto& x : effects) {
    switch (x.mark) {
    case dispatch_mark::none:
      leases_->end(x.room, x.run);
      continue;
    case dispatch_mark::taken:
      leases_->start(x.room, x.run, x.dispatch, now);
      continue;
    case dispatch_mark::lost:
      count(counters.leases_lost);
      if (x.ended)
        count(counters.given_up);
      leases_->end(x.room, x.run);
      break;
    case dispatch_mark::released:
      count(counters.released);
      leases_->end(x.room, x.run);
      break;
    case dispatch_mark::queued:
      break;
    }
    if (!x.ended)
      queues_->queued({x.room, x.dispatch->queue},
                      {x.dispatch->created_ms, x.run}, now, out);
  }
  carry_out(out);
  answer_about_leases();
}

// -- leadership, time
// -------------------------------------------------------------

void shard_state::load_leases() {
  leases_known_ = false;
  node_->read(
    [node = node_, me = shard_actor{self_}, shard = id_, term = own_term_] {
      leases_loaded found;
      found.term = term;
      if (auto leases = node->state->leased_runs(shard))
        found.leases = std::move(*leases);
      else
        found.error = std::move(leases.error());
      caf::anon_send(me, std::move(found));
    });
}

void shard_state::handle(leases_loaded& x) {
  if (x.error)
    node_->die("leases cannot be read: " + x.error->detail);
  if (!was_ready_ || x.term != own_term_)
    return; // asked again
  for (auto& lease : x.leases)
    leases_->start(lease.room, lease.run, std::move(lease.lease), clock_ms());
  leases_known_ = true;
  count_workers();
  answer_about_leases();
}

/// Those who waited for the leases, or for what becomes of one.
void shard_state::answer_about_leases() {
  if (leases_known_)
    for (auto& read : std::exchange(leases_asked_, {}))
      carry_out(read);
}

void shard_state::refuse_takers(const problem& why) {
  for (auto& who : queues_->clear()) {
    if (who.to.node == node_number{})
      answer_taker(who.to, tl::unexpected{why});
    else
      node_->bounce(who.to, remote::call_fate::not_leading);
  }
  count_workers();
}

void shard_state::tick_dispatch() {
  if (!was_ready_)
    return;
  if (node_->draining.load(std::memory_order_relaxed)) {
    auto why = not_ready();
    why.detail = "this node is about to stop; take from another node or in a "
                 "moment";
    return refuse_takers(why);
  }
  dispatch_queues::outbox out;
  queues_->tick(clock_ms(), out);
  carry_out(out);
  if (!takes_calls() || node_->no_space.load(std::memory_order_relaxed) != 0)
    return; // nothing can be written: nobody loses anything meanwhile
  for (auto& late : leases_->expired(clock_ms())) {
    command_arguments order;
    order.what = run_command::lose;
    order.run = std::move(late.run);
    order.lease.term = late.term;
    order.lease.max_attempts = node_->conf.dispatch.max_attempts;
    auto s = std::make_shared<slot>();
    s->room = std::move(late.room);
    enter_own(std::move(s), std::move(order));
  }
  count_workers();
}

void shard_state::count_workers() {
  auto waiting = queues_->waiting(), leases = leases_->size();
  node_->counters.waiting_workers.fetch_add(
    waiting - std::exchange(counted_waiting_, waiting));
  node_->counters.leases.fetch_add(leases
                                   - std::exchange(counted_leases_, leases));
}

} // namespace callboard
