#include "actors/dispatch_queues.hpp"

#include <algorithm>
#include <utility>

namespace callboard {

namespace {

/// A queue without workers is forgotten after this.
constexpr std::int64_t idle_ms = 60'000;

bool same(const reply_address& a, const reply_address& b) noexcept {
  return a.hub == b.hub && a.session == b.session && a.request == b.request;
}

} // namespace

result<void> dispatch_queues::wait(const queue_key& queue, taker who,
                                   std::int64_t now_ms, outbox& out) {
  auto& waiting = waiting_[queue.room];
  if (waiting >= limits_.waiting) {
    auto why = fail(errc::rate_limited,
                    std::to_string(waiting)
                      + " workers wait for runs of this project already "
                        "(dispatch.max_waiting); come again in a moment");
    why.value().retry_after = std::chrono::seconds{1};
    return why;
  }
  ++waiting;
  ++waiting_total_;
  auto at = queues_.try_emplace(queue).first;
  at->second.takers.push_back(std::move(who));
  match(at, now_ms, out);
  return {};
}

bool dispatch_queues::stop(const room_key& room, const reply_address& who) {
  for (auto at = queues_.lower_bound({room, {}});
       at != queues_.end() && at->first.room == room; ++at) {
    auto gone = std::erase_if(at->second.takers,
                              [&](auto& x) { return same(x.to, who); });
    if (gone == 0)
      continue;
    left(room);
    return true;
  }
  return false;
}

void dispatch_queues::stop_all(node_number node) {
  for (auto& [key, line] : queues_)
    left(key.room, std::erase_if(line.takers,
                                 [&](auto& x) { return x.to.node == node; }));
}

// While a load is under way every run that is told is kept: the view that was
// read may be older. What lies behind the end of a page that is not the last
// one is left to the next load.
void dispatch_queues::loaded(const queue_key& key, const queue_page& page,
                             std::int64_t now_ms, outbox& out) {
  auto at = queues_.find(key);
  if (at == queues_.end() || !std::exchange(at->second.loading, false))
    return;
  auto& x = at->second;
  for (auto& run : page.runs)
    if (!x.offered.contains(run.run))
      x.ready.insert(run);
  x.more = page.more;
  if (page.more && !page.runs.empty())
    x.ready.erase(x.ready.upper_bound(page.runs.back()), x.ready.end());
  keep_within_window(x);
  match(at, now_ms, out);
}

void dispatch_queues::queued(const queue_key& key, queued_run run,
                             std::int64_t now_ms, outbox& out) {
  auto at = queues_.find(key);
  if (at == queues_.end())
    return; // read when somebody asks
  auto& x = at->second;
  if (x.more && !x.loading && (x.ready.empty() || *x.ready.rbegin() < run))
    return; // read in its turn
  x.ready.insert(std::move(run));
  if (!x.loading)
    keep_within_window(x);
  match(at, now_ms, out);
}

void dispatch_queues::keep_within_window(waiting_line& x) const {
  while (x.ready.size() > limits_.window) {
    x.ready.erase(std::prev(x.ready.end()));
    x.more = true;
  }
}

void dispatch_queues::granted(const grant& x) {
  if (auto at = queues_.find(x.queue); at != queues_.end())
    at->second.offered.erase(x.run.run);
}

void dispatch_queues::put_back(const grant& x) {
  auto at = queues_.find(x.queue);
  if (at == queues_.end() || at->second.offered.erase(x.run.run) == 0)
    return; // forgotten, with all that was offered
  at->second.ready.insert(x.run);
  if (!at->second.loading)
    keep_within_window(at->second);
}

void dispatch_queues::refused(grant x, std::int64_t now_ms, outbox& out) {
  auto at = queues_.try_emplace(x.queue).first;
  at->second.offered.erase(x.run.run);
  at->second.takers.push_front(std::move(x.who));
  ++waiting_[x.queue.room];
  ++waiting_total_;
  match(at, now_ms, out);
}

// A load under way may bring older runs than those that are known: they are
// waited for, so that the oldest goes first.
void dispatch_queues::match(place at, std::int64_t now_ms, outbox& out) {
  auto& [key, x] = *at;
  x.last_use_ms = now_ms;
  while (!x.loading && !x.takers.empty() && !x.ready.empty()) {
    auto run = x.ready.extract(x.ready.begin());
    x.offered.insert(run.value().run);
    out.grants.push_back(
      {key, std::move(x.takers.front()), std::move(run.value())});
    x.takers.pop_front();
    left(key.room);
  }
  if (x.loading || x.takers.empty())
    return;
  if (x.more) {
    x.loading = true;
    out.loads.push_back(key);
    return;
  }
  auto late
    = std::stable_partition(x.takers.begin(), x.takers.end(),
                            [&](auto& who) { return now_ms < who.until_ms; });
  left(key.room, static_cast<std::size_t>(x.takers.end() - late));
  std::move(late, x.takers.end(), std::back_inserter(out.in_vain));
  x.takers.erase(late, x.takers.end());
}

void dispatch_queues::tick(std::int64_t now_ms, outbox& out) {
  for (auto at = queues_.begin(); at != queues_.end();) {
    auto& x = at->second;
    if (!x.takers.empty())
      match(at, now_ms, out);
    if (x.takers.empty() && x.offered.empty() && !x.loading
        && now_ms - x.last_use_ms >= idle_ms)
      at = queues_.erase(at);
    else
      ++at;
  }
}

std::vector<taker> dispatch_queues::clear() {
  std::vector<taker> out;
  for (auto& [key, x] : queues_)
    std::ranges::move(x.takers, std::back_inserter(out));
  queues_.clear();
  waiting_.clear();
  waiting_total_ = 0;
  return out;
}

void dispatch_queues::left(const room_key& room, std::size_t takers) {
  waiting_total_ -= takers;
  auto at = waiting_.find(room);
  if (at != waiting_.end() && (at->second -= takers) == 0)
    waiting_.erase(at);
}

} // namespace callboard
