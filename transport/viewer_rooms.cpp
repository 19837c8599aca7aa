#include "transport/viewer_rooms.hpp"

#include "transport/edge_metrics.hpp"
#include "transport/translated_batch.hpp"

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
  begin(added);
  for (auto& [project, since] : x.starts)
    if (who.reaches(project))
      add_child(added, project, since);
}

void viewer_rooms::begin(subscription& x) {
  if (x.room->joined == membership::joined)
    start(x);
  else if (x.room->joined == membership::unknown)
    join(*x.room);
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
    slot = std::make_unique<viewer_room>(key, metrics_.translations);
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
        if (auto frame
            = make_frame(event, to->group->speaks, metrics_.translations))
          events.push_back({&event, std::move(frame)});
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
  room.rejoin_delay = longer_delay(room.rejoin_delay);
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

/// Like one of add_children(), but the room is joined: history tells what was
/// missed only up to where the room's batches go on.
void viewer_rooms::add_child(subscription& parent, const project_id& project,
                             event_seq since) {
  auto& owner = *parent.owner;
  auto& room = room_of({parent.room->key.tenant, project});
  auto& added
    = *owner.subscriptions_.emplace_back(std::make_unique<subscription>());
  added.owner = &owner;
  added.parent = &parent;
  added.since = since;
  room.add(added, *parent.group);
  begin(added);
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
