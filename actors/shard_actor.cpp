#include "actors/shard_actor.hpp"

#include "actors/edge_notice.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace callboard {

namespace {

constexpr std::uint64_t sweep_interval_ms = 1000;

/// Ticks of a shard are not further apart: time-outs of calls, leases and moves
/// are looked at that often.
constexpr std::uint64_t longest_tick_ms = 100;

} // namespace

problem not_ready() {
  return {errc::unavailable,
          "the shard is starting or has no leader at the moment; try again",
          {},
          std::chrono::seconds{1}};
}

void shard_state::init(node_context& node, shard_id id) {
  node_ = &node;
  id_ = id;
  queues_.emplace(dispatch_queues::limits{
    .window = queue_window, .waiting = node.conf.dispatch.max_waiting});
  leases_.emplace(node.conf.dispatch.lease.count());
  raft_.emplace(node, id);
  raft_->on_committed([this] { tell_committed(); });
  raft_->start(self_);
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
    for (auto viewing : room->joined)
      tell_edge(*node_, viewing, room_lost_out{key});
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
  for (auto& [tenant, nodes] : watchers_)
    std::erase_if(nodes, [](node_number x) { return x != node_number{}; });
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
  auto steady = steady_ms();
  raft_->tick(steady);
  after_raft();
  expire_calls(steady);
  go_on_handing_over(steady);
  tick_members(steady);
  tick_dispatch();
  next_tick_at(handing_to_
                 ? 0
                 : std::min(raft_->next_tick_ms(), steady + longest_tick_ms));
  if (steady < next_sweep_ms_)
    return;
  next_sweep_ms_ = steady + sweep_interval_ms;
  if (node_->cluster) {
    auto figures = figures_of(*raft_, id_, *node_);
    figures.waiting_calls = calls_waiting();
    node_->replicas.put(std::move(figures));
  }
  auto now = wall_ms();
  passivate(now);
  trim_rooms(now, steady);
}

/// 0: as soon as possible.
void shard_state::next_tick_at(std::uint64_t steady_ms) {
  node_->tick_at_ms[id_.value].store(steady_ms, std::memory_order_relaxed);
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
    [&state](const replica_loaded& x) { state.handle(x); },
    [&state](export_pinned& x) { state.handle(x); },
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
