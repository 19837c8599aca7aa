#include "transport/viewer_room.hpp"

#include "actors/model/json.hpp"
#include "transport/translated_batch.hpp"

#include <algorithm>
#include <cassert>
#include <span>
#include <utility>

namespace callboard {

namespace {

constexpr std::size_t batch_frame_bytes = 64u << 10;

/// A run of events as one frame, and the number of its first durable event.
struct packed_frame {
  frame_ptr frame;
  event_seq seq;
};

packed_frame pack(const std::string& room, std::span<const framed_event> xs) {
  auto first
    = std::ranges::find_if(xs, [](auto& x) { return x.event->seq.value != 0; });
  auto seq = first == xs.end() ? event_seq{} : first->event->seq;
  if (xs.size() == 1)
    return {xs.front().frame, seq};
  std::string text = R"({"type":"events","room":)";
  json::append_quoted(text, room);
  text += R"(,"events":[)";
  for (auto& x : xs) {
    text += *x.event->frame;
    text += ',';
  }
  text.back() = ']';
  text += '}';
  return {outbound_frame::text(std::move(text)), seq};
}

std::vector<packed_frame> pack_all(const std::string& room,
                                   std::span<const framed_event> xs) {
  std::vector<packed_frame> frames;
  std::size_t begin = 0;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < xs.size(); ++i) {
    auto size = xs[i].event->frame->size();
    if (i > begin && bytes + size > batch_frame_bytes) {
      frames.push_back(pack(room, xs.subspan(begin, i - begin)));
      begin = i;
      bytes = 0;
    }
    bytes += size;
  }
  if (begin < xs.size())
    frames.push_back(pack(room, xs.subspan(begin)));
  return frames;
}

void push_single(subscription& to, const std::vector<framed_event>& events) {
  auto& owner = *to.owner;
  for (auto& x : events) {
    auto seq = x.event->seq;
    if (!owner.own_frames)
      owner.out.push_event(x.frame, to, seq);
    else if (auto own = owner.own_frame(to, seq, x.frame))
      owner.out.push_event(own, to, seq);
  }
}

void push_packed(subscription& to, const std::vector<packed_frame>& frames) {
  for (auto& x : frames)
    to.owner->out.push_event(x.frame, to, x.seq);
}

/// Batches are the native protocol's.
bool packs(const subscription& x) noexcept {
  return x.owner->batching && x.group->speaks == nullptr;
}

} // namespace

bool room_view::matches(const posted_event& x) const noexcept {
  if (run && *run != x.run)
    return false;
  return types.empty()
         || std::ranges::any_of(types, [&x](const std::string& pattern) {
              return type_matches(pattern, x.type_name);
            });
}

void push_events(subscription& to, const std::vector<framed_event>& events) {
  if (events.empty())
    return;
  if (packs(to))
    push_packed(to, pack_all(to.name(), events));
  else
    push_single(to, events);
  to.owner->wake();
}

viewer_room::viewer_room(room_key key_, translation_counters& translations)
    : key{std::move(key_)}, translations_{translations} {
  // nop
}

viewer_room::~viewer_room() = default;

void viewer_room::add(subscription& x, const room_view& view) {
  auto same = std::ranges::find_if(groups_, [&view](auto& group) {
    return static_cast<const room_view&>(*group) == view;
  });
  if (same == groups_.end())
    same = groups_.insert(
      groups_.end(), std::make_unique<viewer_group>(viewer_group{view, {}, 0}));
  x.room = this;
  x.group = same->get();
  x.index = static_cast<std::uint32_t>(x.group->members.size());
  x.group->members.push_back(&x);
  empty_since.reset();
}

void viewer_room::remove(subscription& x) {
  if (x.state == subscription::phase::live)
    fall_behind(x);
  auto& members = x.group->members;
  members.back()->index = x.index;
  std::swap(members[x.index], members.back());
  members.pop_back();
  if (members.empty())
    std::erase_if(groups_,
                  [&x](auto& group) { return group.get() == x.group; });
  x.group = nullptr;
  x.room = nullptr;
}

void viewer_room::go_live(subscription& x) {
  assert(x.state != subscription::phase::live);
  auto& group = *x.group;
  auto& other = group.members[group.live++];
  std::swap(other->index, x.index);
  std::swap(other, group.members[other->index]);
  x.state = subscription::phase::live;
  x.streams_ready = false;
}

void viewer_room::fall_behind(subscription& x) {
  assert(x.state == subscription::phase::live);
  auto& group = *x.group;
  auto& other = group.members[--group.live];
  std::swap(other->index, x.index);
  std::swap(other, group.members[other->index]);
  x.state = subscription::phase::behind;
  x.streams_ready = false;
}

std::vector<subscription*> viewer_room::subscriptions() const {
  std::vector<subscription*> xs;
  for (auto& group : groups_)
    xs.insert(xs.end(), group->members.begin(), group->members.end());
  return xs;
}

void viewer_room::fan_out(const room_batch& batch,
                          std::vector<viewer*>& overflowed) {
  batch_frames frames{batch, translations_};
  for (auto& group : groups_) {
    if (group->live == 0)
      continue;
    scratch_.clear();
    for (std::size_t i = 0; i < batch.events.size(); ++i)
      if (auto& x = batch.events[i]; group->matches(x))
        if (auto frame = frames.get(i, group->speaks))
          scratch_.push_back({&x, std::move(frame)});
    fan_out(*group, scratch_, batch, overflowed);
  }
  scratch_.clear();
}

void viewer_room::fan_out(viewer_group& group,
                          std::vector<framed_event>& events,
                          const room_batch& batch,
                          std::vector<viewer*>& overflowed) {
  auto last = last_seq(batch);
  auto ephemeral = std::ranges::any_of(
    events, [](auto& x) { return x.event->seq.value == 0; });
  std::vector<packed_frame> packed; // made for the first who wants it
  std::vector<framed_event> some;
  for (std::size_t i = 0; i < group.live; ++i) {
    auto& to = *group.members[i];
    auto& owner = *to.owner;
    if (to.cursor <= batch.previous && (to.streams_ready || !ephemeral)) {
      if (packs(to)) {
        if (packed.empty())
          packed = pack_all(group.name, events);
        push_packed(to, packed);
      } else {
        push_single(to, events);
      }
      if (!events.empty())
        owner.wake();
    } else {
      some.clear();
      for (auto& x : events)
        if (x.event->seq.value == 0 ? to.streams_ready
                                    : x.event->seq > to.cursor)
          some.push_back(x);
      push_events(to, some);
    }
    to.cursor = std::max(to.cursor, last);
    if (owner.out.over_limit())
      overflowed.push_back(&owner);
  }
}

} // namespace callboard
