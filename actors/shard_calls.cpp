#include "actors/call_slots.hpp"
#include "actors/remote_frame.hpp"
#include "actors/shard_actor.hpp"

#include <utility>

// Calls that another node decides: passed on to the leader in one hop, held
// while there is none, sent again when it is safe; and those that other nodes
// pass on to us.

namespace callboard {

namespace {

/// What a publish may be sent again as: every event by the id that it got at
/// first, so that what was done is found to be done. What was only to be passed
/// on is not passed on twice.
void mark_as_repeated(slot& s) {
  auto again = std::make_shared<publish_request>(*s.request);
  for (auto& item : again->items)
    if (auto draft = std::get_if<event_draft>(&item)) {
      if (draft->delivery == event_delivery::ephemeral)
        item = publish_result{draft->id.value, {}, {}};
      else
        draft->id_given = true;
    }
  s.request = std::move(again);
}

remote::call_body body_of(const pending_call& x) {
  if (!x.request)
    return *x.body;
  auto& s = *x.request;
  switch (s.kind) {
  case slot::what::command:
    return command_request{s.room, *s.command};
  case slot::what::define:
    return *s.definition;
  case slot::what::publish:
    break;
  }
  return *s.request;
}

problem nobody_leads() {
  return {errc::unavailable,
          "this part of the cluster has no leader that this node can reach, so "
          "nothing can be read or written there; send again in a moment or to "
          "another node",
          {},
          std::chrono::seconds{1}};
}

problem maybe_done() {
  return {errc::unavailable,
          "the node that led was lost while this was under way: it may have "
          "been done or not; look before you send it again",
          {},
          std::chrono::seconds{1}};
}

} // namespace

// -- calls of our clients
// -----------------------------------------------------

void shard_state::pass_on(pending_call x) {
  auto wait
    = static_cast<std::uint64_t>(node_->conf.cluster.leader_wait.count());
  if (x.until_ms == 0)
    x.until_ms = steady_ms() + wait;
  auto token = next_call_++;
  auto at = calls_.emplace(token, std::move(x)).first;
  if (leader_.node == node_number{} || leader_.node == node_->self)
    return waiting_calls_.push_back(token);
  send_call(token, at->second);
}

void shard_state::send_call(std::uint64_t token, pending_call& x) {
  x.sent_to = leader_.node;
  if (node_->peers.send(leader_.node, peer_lane::normal,
                        frame(remote::call{id_, token, body_of(x)})))
    return;
  // Not linked, or more than the link can take: as if there were no leader.
  x.sent_to = {};
  waiting_calls_.push_back(token);
}

// A leader is known, here or elsewhere.
void shard_state::flush_waiting() {
  auto waiting = std::exchange(waiting_calls_, {});
  for (auto token : waiting) {
    auto at = calls_.find(token);
    if (at == calls_.end() || at->second.sent_to != node_number{})
      continue;
    if (!takes_calls()) {
      if (leader_.node == node_->self || leader_.node == node_number{})
        waiting_calls_.push_back(token);
      else
        send_call(token, at->second);
      continue;
    }
    auto x = std::move(at->second);
    calls_.erase(at);
    enter_here(std::move(x));
  }
}

void shard_state::enter_here(pending_call x) {
  if (x.request) {
    enter message{std::move(x.request)};
    return handle(message);
  }
  auto body = *x.body;
  enter_body(x.to, std::move(body));
}

// Those that wait for too long are told so.
void shard_state::expire_calls(std::uint64_t now_ms) {
  std::erase_if(waiting_calls_, [&](std::uint64_t token) {
    auto at = calls_.find(token);
    if (at == calls_.end())
      return true;
    if (now_ms < at->second.until_ms)
      return false;
    auto x = std::move(at->second);
    calls_.erase(at);
    give_up(x, nobody_leads());
    return true;
  });
}

void shard_state::give_up(pending_call& x, const problem& why) {
  if (x.request)
    return refuse(*x.request, why);
  std::vector<answer> out;
  out.push_back({x.to, tl::unexpected{why}});
  node_->answer(std::move(out));
}

void shard_state::handle_answers(remote::call_answers& x) {
  for (auto& got : x.answers) {
    auto at = calls_.find(got.token);
    if (at == calls_.end())
      continue;
    auto call = std::move(at->second);
    calls_.erase(at);
    if (got.fate == remote::call_fate::answered)
      finish_call(call, got.outcome);
    else
      try_again(std::move(call), got.fate == remote::call_fate::unknown);
  }
}

void shard_state::finish_call(pending_call& x,
                              decltype(answer::outcome)& outcome) {
  std::vector<answer> out;
  if (!x.request) {
    out.push_back({x.to, std::move(outcome)});
    return node_->answer(std::move(out));
  }
  auto& s = *x.request;
  release(s);
  node_->counters.publish_seconds.observe(
    std::chrono::microseconds{steady_us() - s.began_us});
  if (!s.gather) {
    out.push_back({s.to, std::move(outcome)});
    return node_->answer(std::move(out));
  }
  std::vector<publish_result> part(s.request->items.size());
  if (outcome)
    if (auto got = std::get_if<publish_answer>(&*outcome);
        got && got->results.size() == part.size())
      part = std::move(got->results);
  if (!outcome)
    for (auto& result : part)
      result.error = outcome.error();
  if (auto whole = s.gather->add(s.positions, std::move(part)))
    out.push_back({s.to, std::move(*whole)});
  node_->answer(std::move(out));
}

// Its leader did nothing, or is gone and may have done it.
void shard_state::try_again(pending_call x, bool maybe) {
  auto sent_to = std::exchange(x.sent_to, {});
  if (!maybe) {
    if (leader_.node == sent_to && sent_to != node_->self)
      lose_leader(); // it said so
  } else if (x.request) {
    auto kind = x.request->kind;
    if (kind == slot::what::command)
      return give_up(x, maybe_done());
    if (kind == slot::what::publish)
      mark_as_repeated(*x.request);
  }
  if (x.request)
    reset(*x.request);
  // The time to wait counts anew: it was under way until now.
  x.until_ms = 0;
  pass_on(std::move(x));
}

/// As it was before any decider saw it.
void shard_state::reset(slot& s) {
  s.verdicts.clear();
  s.results.clear();
  s.after_drain.clear();
  s.waiting = 0;
  s.fields_wanted = false;
  s.proposed = false;
  s.exists = false;
  s.refusal.reset();
  s.successor = {};
}

// -- calls that others pass on
// ------------------------------------------------

void shard_state::handle_call(peer_session session, node_number from,
                              remote::call& x) {
  reply_address to{{id_.value}, session.value, x.token, from};
  if (auto stop = std::get_if<remote::stop_taking>(&x.body)) {
    to.request = stop->token;
    return handle(stop_taking_runs{to, stop->room});
  }
  if (!takes_calls())
    return node_->bounce(to, remote::call_fate::not_leading);
  enter_body(to, std::move(x.body));
}

void shard_state::enter_body(const reply_address& to, remote::call_body body) {
  auto counted = [&](slot_ptr s) {
    node_->shard_bytes_in_flight[id_.value].fetch_add(s->bytes);
    node_->counters.in_flight_bytes.fetch_add(s->bytes);
    enter message{std::move(s)};
    handle(message);
  };
  auto refuse_now = [&](problem why) {
    std::vector<answer> out;
    out.push_back({to, tl::unexpected{std::move(why)}});
    node_->answer(std::move(out));
  };
  if (auto publish = std::get_if<publish_request>(&body))
    return counted(make_slot(to, std::move(*publish)));
  if (auto command = std::get_if<command_request>(&body))
    return counted(make_slot(to, std::move(*command)));
  if (auto define = std::get_if<definition_request>(&body)) {
    auto made = make_slot(to, std::move(*define));
    return made ? counted(std::move(*made)) : refuse_now(made.error());
  }
  if (auto take = std::get_if<take_request>(&body)) {
    take_run message{to, std::move(*take)};
    return handle(message);
  }
  if (auto lease = std::get_if<lease_request>(&body)) {
    renew_lease message{to, lease->room, lease->claim};
    return handle(message);
  }
  if (auto query = std::get_if<query::any>(&body)) {
    enter_read message{to, std::move(*query)};
    return handle(message);
  }
  if (auto history = std::get_if<history_request>(&body)) {
    enter_read message{to, std::move(*history)};
    return handle(message);
  }
}

/// A call that this node cannot decide now: ours is passed on or waits; one
/// that was passed on to us goes back, because nobody passes on twice.
void shard_state::route(const reply_address& to, remote::call_body body) {
  if (to.node != node_number{} && to.node != node_->self)
    return node_->bounce(to, remote::call_fate::not_leading);
  if (!may_wait(to))
    return;
  pending_call x;
  x.to = to;
  x.body = std::make_shared<const remote::call_body>(std::move(body));
  pass_on(std::move(x));
}

void shard_state::route(slot_ptr s, bool maybe) {
  if (s->to.node != node_number{}) {
    auto to = s->to;
    release(*s);
    return node_->bounce(to, maybe ? remote::call_fate::unknown
                                   : remote::call_fate::not_leading);
  }
  pending_call x;
  x.to = s->to;
  x.request = std::move(s);
  try_again(std::move(x), maybe);
}

} // namespace callboard
