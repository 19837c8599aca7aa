#include "actors/room_actor.hpp"

#include "actors/edge_notice.hpp"
#include "actors/model/json.hpp"

#include <algorithm>
#include <utility>

namespace callboard {

namespace {

/// All stream texts of one room together: 64 full ones.
constexpr std::size_t texts_per_room = 64;

} // namespace

void room_actor_state::init(node_context& node, shard_actor shard,
                            room_key room, const room_loaded& stored) {
  node_ = &node;
  shard_ = std::move(shard);
  head_ = stored.head;
  oldest_ = stored.oldest;
  epoch_ = stored.epoch;
  term_ = stored.term;
  auto text = node.conf.limits.stream_text_bytes;
  streams_.emplace(room, text, text * texts_per_room);
  decider_.emplace(std::move(room), stored.head == event_seq{});
}

void room_actor_state::handle(decide_items& x) {
  decider::outbox out;
  decider_->push(x.slot, std::move(x.request), std::move(x.items), wall_ms(),
                 out);
  send(out);
}

void room_actor_state::handle(ids_found& x) {
  decider::outbox out;
  decider_->found(std::move(x), out);
  send(out);
}

void room_actor_state::send(decider::outbox& out) {
  for (auto& x : out.lookups)
    self_->send(shard_, std::move(x));
  for (auto& x : out.decisions)
    self_->send(shard_, std::move(x));
}

void room_actor_state::handle(const room_publish& x) {
  oldest_ = std::max(oldest_, x.oldest);
  if (!x.batch)
    return;
  for (auto& [at, note] : x.notes)
    streams_->follow(x.batch->events[at], note);
  for (auto& event : x.batch->events)
    if (event.seq > head_)
      head_ = event.seq;
  for (auto& to : subscribers_)
    tell_edge(*node_, to.node, room_events_out{x.batch});
}

void room_actor_state::handle(const join_room_request& x) {
  subscribe(x.node).joined = true;
  tell_edge(
    *node_, x.node,
    joined_out{x.hub,
               {decider_->room(), head_, std::max(oldest_, event_seq{1}),
                epoch_, x.token, term_}});
}

void room_actor_state::handle(const leave_room_request& x) {
  subscribe(x.node).joined = false;
  drop_if_gone(x.node);
}

void room_actor_state::handle(const ask_streams_request& x) {
  tell_edge(
    *node_, x.node,
    streams_out{x.hub,
                {decider_->room(), x.token, streams_->snapshots(wall_ms())}});
}

void room_actor_state::handle(const watch_tenant_request& x) {
  subscribe(x.node).watching = x.on;
  drop_if_gone(x.node);
}

room_actor_state::subscriber& room_actor_state::subscribe(node_number node) {
  auto at = std::ranges::find(subscribers_, node, &subscriber::node);
  if (at != subscribers_.end())
    return *at;
  return subscribers_.emplace_back(subscriber{node, false, false});
}

void room_actor_state::drop_if_gone(node_number node) {
  std::erase_if(subscribers_, [&](const subscriber& x) {
    return x.node == node && !x.joined && !x.watching;
  });
}

description room_actor_state::describe() const {
  std::string out = "{\"room\":";
  json::append_quoted(out, room_name(decider_->room()));
  out += ",\"head\":";
  json::append_number(out, head_.value);
  out += ",\"oldest\":";
  json::append_number(out, std::max(oldest_, event_seq{1}).value);
  out += ",\"epoch\":";
  json::append_number(out, epoch_);
  out += ",\"subscribers\":[";
  const auto map = node_->map();
  for (std::size_t i = 0; i < subscribers_.size(); ++i) {
    auto& x = subscribers_[i];
    const auto other = map->find(x.node);
    out += i == 0 ? "{\"node\":" : ",{\"node\":";
    json::append_quoted(out, other ? other->name : node_->name);
    out += x.joined ? ",\"joined\":true}" : ",\"joined\":false}";
  }
  out += "],\"streams\":";
  json::append_number(out, streams_->size());
  out += '}';
  return {std::move(out), self_->mailbox().size(),
          decider_->memory() + streams_->bytes(),
          head_ != event_seq{} || !subscribers_.empty()};
}

room_actor::behavior_type
room(room_actor::stateful_pointer<room_actor_state> self, node_context* node,
     shard_actor shard, room_key key, room_loaded stored) {
  auto& state = self->state;
  state.init(*node, std::move(shard), std::move(key), stored);
  return {
    [&state](decide_items& x) { state.handle(x); },
    [&state](ids_found& x) { state.handle(x); },
    [&state](const room_publish& x) { state.handle(x); },
    [&state](const join_room_request& x) { state.handle(x); },
    [&state](const leave_room_request& x) { state.handle(x); },
    [&state](const ask_streams_request& x) { state.handle(x); },
    [&state](const watch_tenant_request& x) { state.handle(x); },
    [&state](const describe&) { return state.describe(); },
  };
}

} // namespace callboard
