#include "transport/outbound_queue.hpp"

#include <algorithm>
#include <cassert>

namespace callboard {

namespace {

/// An idle connection keeps no more room than for this many entries.
constexpr std::size_t idle_capacity = 8;

/// Entries that are gone are moved out when at least so many are.
constexpr std::size_t compact_after = 64;

} // namespace

void outbound_queue::push_reply(frame_ptr x) {
  reply_bytes_ += x->size();
  entries_.push_back({std::move(x), nullptr, {}});
}

void outbound_queue::push_event(const frame_ptr& x, subscription& owner,
                                event_seq seq) {
  event_bytes_ += x->size();
  ++events_;
  entries_.push_back({x, &owner, seq});
}

std::size_t outbound_queue::gather(std::span<std::string_view> out,
                                   std::size_t max_bytes) const {
  std::size_t pieces = 0;
  std::size_t bytes = 0;
  auto skip = written_;
  auto add = [&](std::string_view piece) {
    auto gone = std::min(skip, piece.size());
    skip -= gone;
    piece.remove_prefix(gone);
    if (piece.empty())
      return;
    out[pieces++] = piece;
    bytes += piece.size();
  };
  for (auto i = first_; i < entries_.size(); ++i) {
    if (pieces + 2 > out.size() || bytes >= max_bytes)
      break;
    add(entries_[i].frame->header());
    add(entries_[i].frame->payload());
  }
  return pieces;
}

std::size_t outbound_queue::consume(std::size_t bytes) {
  std::size_t frames = 0;
  written_ += bytes;
  while (!empty() && written_ >= entries_[first_].frame->size()) {
    auto& x = entries_[first_];
    auto size = x.frame->size();
    written_ -= size;
    if (x.owner == nullptr) {
      reply_bytes_ -= size;
    } else {
      event_bytes_ -= size;
      --events_;
    }
    x.frame = {};
    ++first_;
    ++frames;
  }
  assert(!empty() || written_ == 0);
  trim();
  return frames;
}

frame_ptr outbound_queue::pop() {
  auto next = entries_[first_].frame;
  consume(next->size() - written_);
  return next;
}

void outbound_queue::detach(const subscription& owner) {
  for (auto i = first_; i < entries_.size(); ++i) {
    auto& x = entries_[i];
    if (x.owner != &owner)
      continue;
    x.owner = nullptr;
    event_bytes_ -= x.frame->size();
    reply_bytes_ += x.frame->size();
    --events_;
  }
}

void outbound_queue::clear() {
  entries_ = {};
  first_ = written_ = event_bytes_ = reply_bytes_ = events_ = 0;
}

void outbound_queue::trim() {
  if (empty()) {
    first_ = 0;
    if (entries_.capacity() > idle_capacity)
      entries_ = {};
    else
      entries_.clear();
    return;
  }
  if (first_ < compact_after || first_ * 2 < entries_.size())
    return;
  entries_.erase(entries_.begin(),
                 entries_.begin() + static_cast<std::ptrdiff_t>(first_));
  first_ = 0;
}

} // namespace callboard
