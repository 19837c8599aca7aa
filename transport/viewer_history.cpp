#include "transport/edge_metrics.hpp"
#include "transport/translated_batch.hpp"
#include "transport/viewer_rooms.hpp"

#include <algorithm>
#include <utility>

/// viewer_rooms: how a subscription falls behind, and how it catches up.
namespace callboard {

namespace {

using namespace std::chrono_literals;
using phase = subscription::phase;

} // namespace

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
      auto frame = x.group->matches(event)
                     ? make_frame(event, x.group->speaks, metrics_.translations)
                     : frame_ptr{};
      if (!frame)
        return;
      bytes += frame->size();
      events.push_back({&event, std::move(frame)});
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
    if (event.seq > x.cursor)
      if (auto frame
          = make_frame(event, x.group->speaks, metrics_.translations)) {
        bytes += frame->size();
        events.push_back({&event, std::move(frame)});
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
  who.retry_delay_ = longer_delay(who.retry_delay_);
  retries_[&who] = now_ + who.retry_delay_;
}

} // namespace callboard
