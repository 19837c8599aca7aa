#include "transport/recent_batches.hpp"

#include <utility>

namespace callboard {

event_seq last_seq(const room_batch& x) noexcept {
  for (auto i = x.events.rbegin(); i != x.events.rend(); ++i)
    if (i->seq.value != 0)
      return i->seq;
  return x.previous;
}

void recent_batches::push(std::shared_ptr<const room_batch> x) {
  auto last = last_seq(*x);
  if (last == x->previous)
    return; // nothing that could be missed
  if (!batches_.empty() && batches_.back().last != x->previous)
    clear();
  kept item{std::move(x), last, 0, 0};
  for (auto& event : item.batch->events) {
    ++item.events;
    item.bytes += event.frame->size();
  }
  events_ += item.events;
  bytes_ += item.bytes;
  batches_.push_back(std::move(item));
  while (!batches_.empty() && (events_ > max_events || bytes_ > max_bytes)) {
    events_ -= batches_.front().events;
    bytes_ -= batches_.front().bytes;
    batches_.pop_front();
  }
}

void recent_batches::clear() {
  batches_.clear();
  events_ = bytes_ = 0;
}

bool recent_batches::covers(event_seq cursor) const noexcept {
  return !batches_.empty() && batches_.front().batch->previous <= cursor;
}

} // namespace callboard
