#include "transport/viewer_rooms.hpp"

#include "transport/edge_metrics.hpp"

#include <algorithm>
#include <utility>

namespace callboard {

namespace {

using namespace std::chrono_literals;
using phase = subscription::phase;
using membership = viewer_room::membership;

/// An empty room is left only after this long: viewers who reconnect find it.
constexpr auto linger = 5s;
/// A question to the engine without an answer is asked again.
constexpr auto ask_again_after = 5s;
constexpr auto first_delay = 100ms;
constexpr auto longest_delay = std::chrono::milliseconds{5s};

std::chrono::milliseconds longer(std::chrono::milliseconds x) {
  return std::clamp(2 * x, std::chrono::milliseconds{first_delay},
                    longest_delay);
}

} // namespace

viewer_rooms::viewer_rooms(hub_id hub, engine& target, edge_metrics& metrics)
    : hub_{hub}, engine_{target}, metrics_{metrics} {
  // nop
}

viewer_rooms::~viewer_rooms() = default;

// -- coming and going ---------------------------------------------------------

void viewer_rooms::subscribe(viewer& who, request x) {
  unsubscribe(who, x.view.name);
  auto& room = room_of(x.room);
  auto& added
    = *who.subscriptions_.emplace_back(std::make_unique<subscription>());
  added.owner = &who;
  added.since = x.since;
  added.ref = std::move(x.ref);
  room.add(added, x.view);
  metrics_.subscriptions.fetch_add(1, std::memory_order_relaxed);
  if (x.whole_tenant)
    watch(added);
  if (room.joined == membership::joined)
    start(added);
  else if (room.joined == membership::unknown)
    join(room);
}

bool viewer_rooms::unsubscribe(viewer& who, std::string_view name) {
  auto same = [name](auto& x) { return !x->parent && x->name() == name; };
  auto found = std::ranges::find_if(who.subscriptions_, same);
  if (found == who.subscriptions_.end())
    return false;
  auto* gone = found->get();
  unwatch(*gone);
  std::vector<subscription*> all;
  for (auto& x : who.subscriptions_)
    if (x->parent == gone)
      all.push_back(x.get());
  all.push_back(gone);
  for (auto* x : all)
    remove(who, *x);
  go_on(who);
  return true;
}

void viewer_rooms::drop_unreached(viewer& who) {
  std::vector<subscription*> gone;
  for (auto& x : who.subscriptions_)
    if (x->parent != nullptr && !who.reaches(x->room->key.project))
      gone.push_back(x.get());
  for (auto* x : gone)
    remove(who, *x);
}

void viewer_rooms::forget(viewer& who) {
  while (!who.subscriptions_.empty()) {
    auto& x = *who.subscriptions_.back();
    unwatch(x);
    remove(who, x);
  }
  if (who.reading_)
    reads_.erase(who.read_number_);
  who.reading_ = false;
  retries_.erase(&who);
}

void viewer_rooms::remove(viewer& who, subscription& x) {
  who.out.detach(x);
  std::erase(who.behind_, &x);
  if (who.reader_ == &x)
    who.reader_ = nullptr; // its chunk is thrown away when it comes
  auto& room = *x.room;
  room.remove(x);
  if (!room.has_subscriptions())
    room.empty_since = now_;
  if (x.parent == nullptr)
    metrics_.subscriptions.fetch_sub(1, std::memory_order_relaxed);
  std::erase_if(who.subscriptions_, [&x](auto& y) { return y.get() == &x; });
}

viewer_room& viewer_rooms::room_of(const room_key& key) {
  auto& slot = rooms_[key];
  if (!slot) {
    slot = std::make_unique<viewer_room>(key);
    slot->empty_since = now_;
  }
  return *slot;
}

void viewer_rooms::join(viewer_room& room) {
  room.joined = membership::joining;
  room.join_asked = now_;
  room.join_token = ++last_number_;
  engine_.join_room(hub_, room.key, room.join_token);
}

// -- from subscribing to live -------------------------------------------------

void viewer_rooms::start(subscription& x) {
  auto& room = *x.room;
  if (!x.since || *x.since == room.head) {
    x.cursor = room.head;
    answer_started(x);
    turn_live(x);
    return;
  }
  x.cursor = *x.since;
  // Another node may have told the client of an event that is still on its way
  // to this hub, so only history can say whether `since` is too high.
  x.state = x.cursor > room.head ? phase::probing : phase::behind;
  if (x.state == phase::behind)
    answer_started(x);
  x.owner->behind_.push_back(&x);
  go_on(*x.owner);
}

void viewer_rooms::answer_started(subscription& x) {
  x.owner->subscribed(x, std::max(x.room->head, x.cursor), x.room->epoch);
  x.ref = {};
}

void viewer_rooms::skip_to_head(subscription& x, event_seq oldest) {
  metrics_.resyncs.fetch_add(1, std::memory_order_relaxed);
  x.cursor = x.room->head;
  x.owner->resync(x, oldest);
}

void viewer_rooms::turn_live(subscription& x) {
  auto& room = *x.room;
  room.go_live(x);
  // Tenants have no streams of their own, and whoever looks at all of a
  // tenant's projects takes their streams as they come.
  if (room.key.is_tenant_room() || x.parent != nullptr)
    x.streams_ready = true;
  else if (!room.asking_streams) // else that answer will do for this one too
    ask_streams(room);
}

void viewer_rooms::ask_streams(viewer_room& room) {
  room.asking_streams = true;
  room.streams_asked = now_;
  room.streams_token = ++last_number_;
  engine_.ask_streams(hub_, room.key, room.streams_token);
}

void viewer_rooms::lag(subscription& x) {
  if (x.state != phase::live)
    return;
  x.room->fall_behind(x);
  x.owner->behind_.push_back(&x);
}

void viewer_rooms::shed(viewer& who) {
  std::vector<std::pair<subscription*, event_seq>> from;
  who.out.drop_events([&from](subscription& x, event_seq seq) {
    auto known = std::ranges::find(from, &x, [](auto& y) { return y.first; });
    if (known == from.end())
      from.emplace_back(&x, seq);
    else if (known->second.value == 0)
      known->second = seq;
  });
  for (auto& [x, seq] : from) {
    if (seq.value != 0)
      x->cursor = event_seq{seq.value - 1};
    if (x->state == phase::live)
      lag(*x);
    else if (who.reader_ != x && !std::ranges::count(who.behind_, x))
      who.behind_.push_back(x);
    metrics_.lagged.fetch_add(1, std::memory_order_relaxed);
    who.lagged(*x, next(x->cursor));
  }
  go_on(who);
}

// -- history ------------------------------------------------------------------

void viewer_rooms::drained(viewer& who) {
  go_on(who);
}

void viewer_rooms::go_on(viewer& who) {
  while (!who.reading_ && !who.behind_.empty() && who.out.low()
         && !retries_.contains(&who)) {
    auto& x = *who.behind_.front();
    who.behind_.erase(who.behind_.begin());
    if (!settle(x))
      read(who, x);
  }
}

bool viewer_rooms::settle(subscription& x) {
  auto& room = *x.room;
  if (x.state == phase::probing)
    return false;
  if (x.cursor < room.head) {
    if (!room.recent.covers(x.cursor))
      return false;
    std::vector<framed_event> events;
    auto bytes = x.owner->out.event_bytes();
    room.recent.after(x.cursor, [&](const posted_event& event) {
      if (!x.group->matches(event))
        return;
      events.push_back({&event, outbound_frame::text(event.frame)});
      bytes += event.frame->size();
    });
    // Near the limit it would be live for a moment only, then fall back here.
    if (bytes > x.owner->out.limit_bytes() / 2)
      return false;
    push_events(x, events);
    x.cursor = room.head;
  }
  turn_live(x);
  return true;
}

void viewer_rooms::read(viewer& who, subscription& x) {
  history_request wanted;
  wanted.room = x.room->key;
  wanted.after = x.cursor;
  wanted.run = x.group->run;
  wanted.types = x.group->types;
  wanted.max_bytes = std::min(wanted.max_bytes, who.out.limit_bytes() / 4);
  who.reading_ = true;
  who.reader_ = &x;
  who.read_number_ = ++last_number_;
  who.read_after_ = x.cursor;
  reads_.emplace(who.read_number_, &who);
  engine_.history({hub_, 0, who.read_number_}, std::move(wanted));
}

void viewer_rooms::history(answer got) {
  auto found = reads_.find(got.to.request);
  if (found == reads_.end())
    return;
  auto& who = *found->second;
  reads_.erase(found);
  who.reading_ = false;
  auto* x = std::exchange(who.reader_, nullptr);
  auto* chunk
    = got.outcome ? std::get_if<history_answer>(&*got.outcome) : nullptr;
  if (x != nullptr && chunk == nullptr) {
    who.behind_.insert(who.behind_.begin(), x);
    retry_later(who);
  } else if (x != nullptr && x->cursor != who.read_after_) {
    who.behind_.push_back(x); // it lagged meanwhile: the chunk begins too late
  } else if (x != nullptr) {
    take(*x, chunk->chunk);
  }
  go_on(who);
}

void viewer_rooms::take(subscription& x, const history_chunk& chunk) {
  auto& who = *x.owner;
  auto is_kept = next(x.cursor) >= chunk.oldest || x.cursor >= chunk.head;
  if (x.state == phase::probing) {
    x.state = phase::behind;
    is_kept = x.cursor <= std::max(chunk.head, x.room->head);
    if (!is_kept)
      x.cursor = x.room->head;
    answer_started(x);
  }
  if (!is_kept) {
    skip_to_head(x, chunk.oldest);
    who.behind_.push_back(&x);
    return;
  }
  std::vector<framed_event> events;
  std::size_t bytes = 0;
  for (auto& event : chunk.events)
    if (event.seq > x.cursor) {
      events.push_back({&event, outbound_frame::text(event.frame)});
      bytes += event.frame->size();
    }
  if (!who.out.low() && who.out.event_bytes() + bytes > who.out.limit_bytes()) {
    who.behind_.push_back(&x); // live events of other rooms took the place
    return;
  }
  push_events(x, events);
  auto progress = chunk.through > x.cursor;
  x.cursor = std::max(x.cursor, chunk.through);
  who.behind_.push_back(&x);
  if (progress)
    who.retry_delay_ = 0ms;
  else if (x.cursor < x.room->head && !x.room->recent.covers(x.cursor))
    retry_later(who); // the store that answered is behind this hub
}

void viewer_rooms::retry_later(viewer& who) {
  who.retry_delay_ = longer(who.retry_delay_);
  retries_[&who] = now_ + who.retry_delay_;
}

// -- what the engine says -----------------------------------------------------

void viewer_rooms::handle(room_signal x) {
  std::visit([this](const auto& y) { handle(y); }, x);
}

void viewer_rooms::handle(const std::shared_ptr<const room_batch>& x) {
  auto found = rooms_.find(x->room);
  auto watch = watched_.find(x->room.tenant);
  auto watched = watch != watched_.end() && !x->room.is_tenant_room();
  if (found == rooms_.end() && !watched)
    return;
  auto& room = found == rooms_.end() ? room_of(x->room) : *found->second;
  if (watched && room.watchers_seen != watch->second.version)
    add_children(room, x->previous);
  if (room.head_known)
    advance(room, x->previous);
  else
    room.head = x->previous;
  room.head_known = true;
  room.recent.push(x);
  std::vector<viewer*> overflowed;
  room.fan_out(*x, overflowed);
  room.head = std::max(room.head, last_seq(*x));
  for (auto* who : overflowed)
    if (who->out.over_limit())
      shed(*who);
}

void viewer_rooms::advance(viewer_room& room, event_seq head) {
  if (head <= room.head)
    return;
  // Something was missed: those who were live read it from history.
  room.head = head;
  room.recent.clear();
  for (auto* x : room.subscriptions()) {
    if (x->state != phase::live || x->cursor >= head)
      continue;
    lag(*x);
    go_on(*x->owner);
  }
}

void viewer_rooms::handle(const room_joined& x) {
  auto found = rooms_.find(x.room);
  if (found == rooms_.end())
    return;
  auto& room = *found->second;
  if (room.joined != membership::joining || room.join_token != x.token)
    return;
  room.joined = membership::joined;
  room.rejoin_delay = 0ms;
  room.oldest = x.oldest;
  room.epoch = x.epoch;
  if (room.head_known)
    advance(room, x.head);
  else
    room.head = x.head;
  room.head_known = true;
  for (auto* y : room.subscriptions()) {
    if (y->state == phase::starting)
      start(*y);
    else if (y->state == phase::live && !y->streams_ready
             && !room.asking_streams)
      ask_streams(room);
  }
}

void viewer_rooms::handle(const stream_snapshots& x) {
  auto found = rooms_.find(x.room);
  if (found == rooms_.end())
    return;
  auto& room = *found->second;
  if (!room.asking_streams || room.streams_token != x.token)
    return;
  room.asking_streams = false;
  for (auto* to : room.subscriptions()) {
    if (to->state != phase::live || to->streams_ready)
      continue;
    to->streams_ready = true;
    std::vector<framed_event> events;
    for (auto& event : x.events)
      if (to->group->matches(event))
        events.push_back({&event, outbound_frame::text(event.frame)});
    push_events(*to, events);
    if (!events.empty() && to->owner->out.over_limit())
      shed(*to->owner);
  }
}

void viewer_rooms::handle(const room_lost& x) {
  auto found = rooms_.find(x.room);
  if (found == rooms_.end())
    return;
  auto& room = *found->second;
  room.asking_streams = false;
  if (room.joined == membership::unknown)
    return;
  for (auto* y : room.subscriptions())
    y->streams_ready = y->parent != nullptr || room.key.is_tenant_room();
  if (room.rejoin_delay == 0ms) {
    join(room);
  } else {
    room.joined = membership::joining;
    room.join_token = 0;
    room.join_asked = now_ + room.rejoin_delay - ask_again_after;
  }
  room.rejoin_delay = longer(room.rejoin_delay);
}

// -- tenants ------------------------------------------------------------------

void viewer_rooms::watch(subscription& x) {
  auto& tenant = x.room->key.tenant;
  auto& watch = watched_[tenant];
  if (watch.watchers.empty())
    engine_.watch_tenant(hub_, tenant, true);
  watch.watchers.push_back(&x);
  watch.version = ++last_number_;
}

void viewer_rooms::unwatch(subscription& x) {
  auto found = watched_.find(x.room->key.tenant);
  if (found == watched_.end() || !std::erase(found->second.watchers, &x))
    return;
  if (found->second.watchers.empty()) {
    engine_.watch_tenant(hub_, found->first, false);
    watched_.erase(found);
  }
}

void viewer_rooms::add_children(viewer_room& room, event_seq from) {
  auto& watch = watched_.at(room.key.tenant);
  room.watchers_seen = watch.version;
  std::vector<subscription*> present;
  for (auto* x : room.subscriptions())
    if (x->parent != nullptr)
      present.push_back(x->parent);
  for (auto* parent : watch.watchers) {
    if (std::ranges::count(present, parent)
        || !parent->owner->reaches(room.key.project))
      continue;
    auto& all = parent->owner->subscriptions_;
    auto& added = *all.emplace_back(std::make_unique<subscription>());
    added.owner = parent->owner;
    added.parent = parent;
    room.add(added, *parent->group);
    added.cursor = std::max(from, room.head);
    turn_live(added);
  }
}

// -- time ---------------------------------------------------------------------

void viewer_rooms::tick(clock::time_point now) {
  now_ = now;
  std::vector<viewer*> due;
  for (auto& [who, at] : retries_)
    if (at <= now)
      due.push_back(who);
  for (auto* who : due) {
    retries_.erase(who);
    go_on(*who);
  }
  for (auto i = rooms_.begin(); i != rooms_.end();) {
    auto& room = *i->second;
    if (room.empty_since && now - *room.empty_since >= linger) {
      if (room.joined != membership::unknown)
        engine_.leave_room(hub_, room.key);
      i = rooms_.erase(i);
      continue;
    }
    if (room.joined == membership::joining
        && now - room.join_asked >= ask_again_after)
      join(room);
    if (room.asking_streams && now - room.streams_asked >= ask_again_after)
      ask_streams(room);
    ++i;
  }
}

} // namespace callboard
