#include "actors/shard_actor.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

// Reads: answered by the leader, as of a moment at which a majority said that
// nobody else led.

namespace callboard {

namespace {

problem too_many_wait() {
  return {errc::unavailable,
          "too many calls wait here for the leader of this part of the "
          "cluster, or for a majority of its nodes (limits.waiting_calls); "
          "wait a moment and send again",
          {},
          std::chrono::seconds{1}};
}

remote::call_body body_of(enter_read& x) {
  auto as_body = [](auto& what) { return remote::call_body{std::move(what)}; };
  return std::visit(as_body, x.what);
}

} // namespace

std::size_t shard_state::calls_waiting() const noexcept {
  return calls_.size() + reads_asked_.size() + reads_current_.size()
         + leases_asked_.size();
}

/// Past the limit, whoever asks is told so at once.
bool shard_state::may_wait(const reply_address& to) {
  if (calls_waiting() < node_->conf.limits.waiting_calls)
    return true;
  node_->counters.overload.fetch_add(1, std::memory_order_relaxed);
  std::vector<answer> out;
  out.push_back({to, tl::unexpected{too_many_wait()}});
  node_->answer(std::move(out));
  return false;
}

void shard_state::handle(enter_read& x) {
  if (!takes_calls())
    return route(x.to, body_of(x));
  if (!may_wait(x.to))
    return;
  auto asked = raft_->read(steady_ms());
  if (!asked)
    return route(x.to, body_of(x));
  reads_asked_.emplace(*asked, std::move(x));
  settle_reads();
}

// Outcomes have come, or more is applied.
void shard_state::settle_reads() {
  for (auto& outcome : raft_->take_reads()) {
    // A join that is void is not answered: the hub asks again.
    if (auto join = joins_asked_.extract(outcome.read); !join.empty()) {
      if (outcome.current_at)
        joins_current_.emplace(*outcome.current_at, std::move(join.mapped()));
      continue;
    }
    if (settle_refusal(outcome))
      continue;
    auto asked = reads_asked_.extract(outcome.read);
    if (asked.empty())
      continue;
    if (outcome.current_at)
      reads_current_.emplace(*outcome.current_at, std::move(asked.mapped()));
    else
      reads_void_.push_back(std::move(asked.mapped()));
  }
  while (!reads_current_.empty()
         && reads_current_.begin()->first <= raft_->applied()) {
    auto x = reads_current_.extract(reads_current_.begin());
    carry_out(x.mapped());
  }
  while (!joins_current_.empty()
         && joins_current_.begin()->first <= raft_->applied()) {
    auto x = joins_current_.extract(joins_current_.begin());
    join(x.mapped());
  }
  tell_refusals();
  for (auto& x : std::exchange(reads_void_, {}))
    route(x.to, body_of(x));
}

// The leadership is lost: what was not answered asks the next leader.
void shard_state::drop_reads() {
  for (auto& [number, x] : std::exchange(reads_asked_, {}))
    reads_void_.push_back(std::move(x));
  for (auto& [index, x] : std::exchange(reads_current_, {}))
    reads_void_.push_back(std::move(x));
  std::ranges::move(std::exchange(leases_asked_, {}),
                    std::back_inserter(reads_void_));
  refusals_asked_.clear(); // their slots have gone there already
  refusals_current_.clear();
  joins_asked_.clear();
  joins_current_.clear();
  settle_reads();
}

void shard_state::carry_out(enter_read& x) {
  auto heartbeat = std::get_if<lease_request>(&x.what);
  auto question = std::get_if<query::any>(&x.what);
  auto detail = question ? std::get_if<query::run_detail>(question) : nullptr;
  if ((heartbeat || detail) && !leases_known_)
    return leases_asked_.push_back(std::move(x)); // until a reader has them
  // Until it is in the log, nobody is told that it is lost: it may not be.
  if (heartbeat && leases_->is_ending(heartbeat->room, heartbeat->claim))
    return leases_asked_.push_back(std::move(x));
  if (heartbeat)
    return renew(x.to, *heartbeat);
  if (detail)
    if (auto left = leases_->left_ms(detail->room, detail->run,
                                     static_cast<std::int64_t>(steady_ms())))
      detail->lease_expires_ms = wall_ms() + *left;
  node_->read([node = node_, shard = id_, x = std::move(x)]() mutable {
    answer out{x.to, {}};
    if (auto asked = std::get_if<query::any>(&x.what)) {
      auto json = node->state->answer(
        *asked, [node](const room_key& r) { return node->shard_of(r); });
      if (json)
        out.outcome = document_answer{std::move(*json)};
      else
        out.outcome = tl::unexpected{std::move(json.error())};
    } else {
      auto chunk
        = node->state->history(shard, std::get<history_request>(x.what));
      if (chunk)
        out.outcome = history_answer{std::move(*chunk)};
      else
        out.outcome = tl::unexpected{std::move(chunk.error())};
    }
    std::vector<answer> one;
    one.push_back(std::move(out));
    node->answer(std::move(one));
  });
}

} // namespace callboard
