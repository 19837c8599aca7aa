#include "actors/remote_frame.hpp"
#include "actors/shard_actor.hpp"
#include "storage/raft/configuration.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

// What other nodes mean for a shard: their messages, their coming and going,
// who leads, and where replicas should be.

namespace callboard {

namespace {

/// Whoever led before does not get the leadership back sooner, though it is
/// wanted: it may have handed over because it is about to stop.
constexpr std::uint64_t settle_ms = 5000;

} // namespace

void shard_state::handle(peer_message& x) {
  auto& what = *x.what;
  auto now = steady_ms();
  if (raft_->receive(x.from, what, now))
    return after_raft();
  if (auto notice = std::get_if<remote::leader_notice>(&what))
    return hear(x.from, *notice);
  if (auto call = std::get_if<remote::call>(&what))
    return handle_call(x.session, x.from, *call);
  if (auto answers = std::get_if<remote::call_answers>(&what))
    return handle_answers(*answers);
  if (auto join = std::get_if<remote::join_room>(&what)) {
    if (!raft_->ready())
      return; // the hub asks again when it knows who leads
    join_room_request y{std::move(join->room), join->hub, join->token, x.from};
    return handle(y);
  }
  if (auto leave = std::get_if<remote::leave_room>(&what))
    return handle(leave_room_request{std::move(leave->room), x.from});
  if (auto ask = std::get_if<remote::ask_streams>(&what)) {
    ask_streams_request y{std::move(ask->room), ask->hub, ask->token, x.from};
    return handle(y);
  }
  if (auto watch = std::get_if<remote::watch_tenant>(&what)) {
    if (raft_->ready())
      handle(watch_tenant_request{std::move(watch->tenant), x.from, watch->on});
  }
}

// What the replica said may have changed everything.
void shard_state::after_raft() {
  check_ready();
  settle_reads();
}

// -- nodes come and go
// --------------------------------------------------------

void shard_state::handle(const peer_came& x) {
  check_anyway_ = true; // who knows what it holds by now
  if (raft_->ready())
    node_->peers.send(x.number, peer_lane::urgent,
                      frame(remote::message{own_notice(true)}));
}

void shard_state::handle(const peer_went& x) {
  raft_->peer_gone(x.number);
  drop_viewers_of(x.number);
  drop_takers_of(x.number);
  if (leader_.node == x.number)
    lose_leader();
  // Calls that it had: nobody knows what became of them.
  std::vector<std::uint64_t> there;
  for (auto& [token, call] : calls_)
    if (call.sent_to == x.number)
      there.push_back(token);
  for (auto token : there) {
    auto call = std::move(calls_.at(token));
    calls_.erase(token);
    try_again(std::move(call), true);
  }
}

void shard_state::drop_viewers_of(node_number node) {
  for (auto& [key, room] : rooms_)
    if (std::erase(room->joined, node) > 0 && room->actor)
      self_->send(room->actor, leave_room_request{key, node});
  for (auto at = watchers_.begin(); at != watchers_.end();) {
    auto tenant = at->first;
    auto watched = std::ranges::find(at->second, node) != at->second.end();
    ++at;
    if (watched)
      handle(watch_tenant_request{tenant, node, false});
  }
}

void shard_state::drop_takers_of(node_number node) {
  for (auto& [id, s] : slots_)
    if (s->grant && s->to.node == node)
      s->abandoned = true;
  dispatch_queues::outbox out;
  queues_->stop_all(node);
  carry_out(out);
}

// -- who leads
// ----------------------------------------------------------------

remote::leader_notice shard_state::own_notice(bool leads) const {
  remote::leader_notice x;
  x.shard = id_;
  x.term = own_term_;
  x.leads = leads;
  if (leads && raft_->started())
    x.members = nodes_of(raft_->raft());
  return x;
}

void shard_state::say_who_leads(bool leads) {
  if (!node_->cluster)
    return;
  auto notice = std::make_shared<remote::message>(own_notice(leads));
  node_->peers.send_all(peer_lane::urgent, frame(*notice));
  self_->send(node_->cluster, peer_message{{}, node_->self, notice});
}

void shard_state::hear(node_number from, const remote::leader_notice& x) {
  if (!x.leads) {
    if (leader_.node == from && x.term >= leader_.term)
      lose_leader();
    return;
  }
  raft_->hear_members(x);
  if (x.term < leader_.term || (raft_->ready() && x.term <= own_term_))
    return;
  set_leader({from, x.term});
}

void shard_state::set_leader(shard_leader x) {
  if (x == leader_)
    return;
  leader_ = x;
  if (x.node != node_->self)
    last_leader_ = x.node;
  // Rooms that were joined elsewhere have to be joined where it leads now.
  self_->send(node_->edge, shard_lost_out{id_, x.term});
  set_serving(true);
  flush_waiting();
  for (auto& join : std::exchange(waiting_joins_, {}))
    handle(join);
  if (leader_.node == node_->self)
    return;
  for (auto& [tenant, nodes] : watchers_)
    node_->peers.send(
      leader_.node, peer_lane::normal,
      frame(remote::message{remote::watch_tenant{id_, tenant, true}}));
}

void shard_state::lose_leader() {
  if (leader_.node == node_number{})
    return;
  auto was_here = leader_.node == node_->self;
  leader_.node = {}; // the term stays: nobody of an older one is believed
  set_serving(false);
  if (!was_here)
    self_->send(node_->edge, shard_lost_out{id_, leader_.term});
}

/// Empty: unknown.
std::string shard_state::leader_name() const {
  if (leader_.node == node_->self)
    return node_->name;
  auto node = node_->map()->find(leader_.node);
  return node ? node->name : std::string{};
}

void shard_state::set_serving(bool on) {
  if (on == std::exchange(serving_, on))
    return;
  if (on)
    node_->ready_shards.fetch_add(1);
  else
    node_->ready_shards.fetch_sub(1);
}

// -- where replicas should be
// --------------------------------------------------

void shard_state::handle(map_changed) {
  raft_->start(self_); // unless there is a replica already
}

void shard_state::tick_members(std::uint64_t now_ms) {
  if (!node_->cluster)
    return;
  if (auto order = raft_->wish(now_ms))
    self_->send(node_->cluster, map_wish{encode_order(*order)});
  if (!raft_->ready()) {
    // It may have been elected and never get ready, because of its disk.
    if (node_->no_space.load(std::memory_order_relaxed) != 0)
      give_way(now_ms);
    return;
  }
  if (now_ms >= next_notice_ms_) {
    constexpr std::uint64_t notice_interval_ms = 1000;
    next_notice_ms_ = now_ms + notice_interval_ms;
    say_who_leads(true);
  }
  if (node_->handing_over.load(std::memory_order_relaxed))
    return begin_hand_over({}, now_ms);
  no_majority_has_room_ = most_disks_full(now_ms);
  if (handing_to_)
    return; // one thing at a time
  if (raft_->differs()) {
    // Nobody is to get what it has; the next leader lets it go.
    if (auto to = raft_->heir())
      begin_hand_over(*to, now_ms);
    return;
  }
  if (node_->no_space.load(std::memory_order_relaxed) != 0)
    return give_way(now_ms);
  if (auto wanted = node_->map()->of(id_))
    if (auto to = raft_->move_towards(*wanted, now_ms);
        to && node_->peers.no_space_of(*to, now_ms) == 0
        && (*to != led_before_ || now_ms >= leads_since_ms_ + settle_ms))
      begin_hand_over(*to, now_ms);
  check_digests(now_ms);
}

// A digest reads all of the shard, on each of its replicas: however much there
// is, it must not cost more than a small part of one core. Shards take turns.
void shard_state::check_digests(std::uint64_t now_ms) {
  auto interval
    = static_cast<std::uint64_t>(node_->conf.cluster.digest_interval.count());
  if (interval == 0)
    return;
  if (next_check_ms_ == 0)
    next_check_ms_ = now_ms + interval * (id_.value + 1) / node_->shards.size();
  if (now_ms < next_check_ms_)
    return;
  constexpr std::uint64_t shares = 400; // one of them is for this shard's
  next_check_ms_
    = now_ms + std::max(interval, raft_->digest_us() / 1000 * shares);
  raft_->check_digests(now_ms, std::exchange(check_anyway_, false));
}

// -- handing over
// -------------------------------------------------------------

// Nothing new is decided here; when what is under way is told, the leadership
// goes. So nobody is left to wonder whether something was done.
void shard_state::begin_hand_over(node_number to, std::uint64_t now_ms) {
  if (!raft_->ready() || handing_to_)
    return;
  handing_to_ = to;
  hand_over_until_ms_ = now_ms
                        + static_cast<std::uint64_t>(
                          node_->conf.cluster.election_timeout.count());
  next_tick_at(0);
  go_on_handing_over(now_ms);
}

void shard_state::go_on_handing_over(std::uint64_t now_ms) {
  if (!handing_to_)
    return;
  if (!raft_->ready()) {
    handing_to_.reset();
    return;
  }
  if (now_ms >= hand_over_until_ms_) {
    // Nothing came of it: this node goes on.
    if (raft_->raft().transferring())
      return;
    return stay();
  }
  // What waits for a full disk of ours is told by the next leader, if others
  // have it.
  constexpr auto wall = static_cast<std::uint8_t>(no_space_reason::log)
                        | static_cast<std::uint8_t>(no_space_reason::state);
  const bool waits = (node_->no_space.load() & wall) == 0
                     && (!slots_.empty() || !in_flight_.empty());
  if (waits || raft_->raft().transferring())
    return;
  if (!raft_->transfer(*handing_to_, now_ms))
    stay();
  after_raft();
}

/// Nothing came of the hand-over.
void shard_state::stay() {
  handing_to_.reset();
  flush_waiting();
  want_flush();
}

void shard_state::handle(const transfer_to& x) {
  std::vector<answer> out;
  auto target = node_->map()->find(x.node);
  if (!raft_->ready()) {
    out.push_back({x.to, tl::unexpected{not_ready()}});
  } else {
    begin_hand_over(x.node, steady_ms());
    std::string json = "{\"shard\":";
    json::append_number(json, id_.value);
    json += ",\"to\":";
    json::append_quoted(json, target ? target->name : "");
    json += '}';
    out.push_back({x.to, document_answer{std::move(json), 202}});
  }
  node_->answer(std::move(out));
}

void shard_state::handle(hand_over_now) {
  begin_hand_over({}, steady_ms());
}

} // namespace callboard
