#include "transport/link/link_outbox.hpp"

#include <algorithm>
#include <cassert>
#include <memory>

namespace callboard {

namespace {

/// Copying a short frame is cheaper than telling the kernel where it lies.
constexpr std::size_t copied_bytes = 1024;

/// Pieces for one call of the kernel, which takes 1024.
constexpr std::size_t most_pieces = 256;

constexpr std::size_t most_own_frames = 16;

/// So many at once are no burst.
constexpr std::size_t few_frames = 64;

/// What a queued frame costs besides its bytes.
constexpr std::uint64_t frame_overhead = 64;

constexpr std::size_t bulk_queue = 3;

/// Assigning {} would keep the capacity.
template <class Container>
void forget(Container& x) {
  Container{}.swap(x);
}

std::uint64_t cost(const shared_bytes& frame) {
  return frame->size() + frame_overhead;
}

} // namespace

link_outbox::link_outbox(std::uint64_t lane_bytes) : lane_bytes_{lane_bytes} {
  // nop
}

link_outbox::pushed link_outbox::push(peer_lane lane, shared_bytes frame) {
  auto& queued = queued_[static_cast<std::size_t>(lane)];
  auto more = cost(frame);
  std::unique_lock guard{mutex_};
  if (over_)
    return pushed::over;
  auto before = queued.load(std::memory_order_relaxed);
  if (before > 0 && before + more > lane_bytes_)
    return pushed::full;
  queued.fetch_add(more, std::memory_order_relaxed);
  pushed_.emplace_back(lane, std::move(frame));
  return std::exchange(writing_, true) ? pushed::queued : pushed::queued_idle;
}

void link_outbox::close() {
  decltype(pushed_) dropped; // freed without the lock
  {
    std::unique_lock guard{mutex_};
    over_ = true;
    dropped.swap(pushed_);
    for (auto& queued : queued_)
      queued.store(0, std::memory_order_relaxed);
  }
}

std::uint64_t link_outbox::queued_bytes() const noexcept {
  std::uint64_t sum = 0;
  for (auto& queued : queued_)
    sum += queued.load(std::memory_order_relaxed);
  return sum;
}

bool link_outbox::push_own(frame_kind kind, std::string body) {
  if (queues_[own].size() >= most_own_frames)
    return false;
  queues_[own].push_back(
    {kind, std::make_shared<const std::string>(std::move(body))});
  return true;
}

/// Moves what other threads pushed to where the writer finds it. When there is
/// nothing at all, the writer counts as idle from then on.
void link_outbox::take_pushed() {
  taken_.clear();
  auto idle = std::ranges::all_of(queues_, [](auto& q) { return q.empty(); });
  {
    std::unique_lock guard{mutex_};
    taken_.swap(pushed_);
    idle = idle && taken_.empty();
    if (idle)
      writing_ = false;
  }
  if (idle && std::exchange(grown_, false))
    release();
  for (auto& [lane, frame] : taken_) {
    auto& queue = queues_[static_cast<std::size_t>(lane) + 1];
    queue.push_back({kind_of(lane), std::move(frame)});
    grown_ = grown_ || queue.size() > few_frames;
  }
}

/// Gives back the memory of a burst.
void link_outbox::release() {
  forget(taken_);
  forget(order_);
  forget(gathered_);
  for (auto& queue : queues_)
    forget(queue);
  std::unique_lock guard{mutex_};
  if (pushed_.empty())
    forget(pushed_);
}

const std::vector<iovec>& link_outbox::gather(std::string& scratch,
                                              std::size_t limit) {
  take_pushed();
  gathered_.clear();
  order_.clear();
  scratch.clear();
  // Never grows below: the pieces point into it.
  scratch.reserve(limit + frame_header_bytes + copied_bytes);
  auto room = limit;
  std::array<std::size_t, 4> begun{};
  if (offset_ > 0) {
    begun[current_] = 1;
    if (!gather_frame(current_, 0, scratch, room))
      return gathered_;
  }
  for (std::size_t queue = 0; queue < queues_.size(); ++queue) {
    auto end = queues_[queue].size();
    if (queue == bulk_queue)
      end = std::min<std::size_t>(end, 1);
    for (auto i = begun[queue]; i < end; ++i)
      if (!gather_frame(queue, i, scratch, room))
        return gathered_;
  }
  return gathered_;
}

/// Names the bytes of one frame, or what is left of it. False: enough.
bool link_outbox::gather_frame(std::size_t queue, std::size_t index,
                               std::string& scratch, std::size_t& room) {
  if (room == 0 || gathered_.size() + 2 > most_pieces)
    return false;
  auto& [kind, body] = queues_[queue][index];
  auto skip = order_.empty() ? offset_ : 0;
  order_.push_back(static_cast<std::uint8_t>(queue));
  std::size_t size = 0;
  if (skip < frame_header_bytes) {
    auto header = make_header(kind, body->size());
    append(scratch, header.data() + skip, header.size() - skip);
    size = header.size() - skip;
    skip = 0;
  } else {
    skip -= frame_header_bytes;
  }
  auto left = std::min(body->size() - skip, room);
  if (left > 0 && left <= copied_bytes)
    append(scratch, body->data() + skip, left);
  else if (left > 0)
    gathered_.push_back({const_cast<char*>(body->data() + skip), left});
  room -= std::min(room, size + left);
  return room > 0;
}

/// Copies, and lengthens the last piece if it ends there.
void link_outbox::append(std::string& scratch, const char* from,
                         std::size_t size) {
  auto* at = scratch.data() + scratch.size();
  assert(scratch.size() + size <= scratch.capacity());
  scratch.append(from, size);
  if (!gathered_.empty()) {
    auto& last = gathered_.back();
    if (static_cast<char*>(last.iov_base) + last.iov_len == at) {
      last.iov_len += size;
      return;
    }
  }
  gathered_.push_back({at, size});
}

void link_outbox::consume(std::size_t n) {
  std::array<std::uint64_t, 3> freed{};
  for (auto queue : order_) {
    if (n == 0)
      break;
    auto& frames = queues_[queue];
    auto& body = frames.front().body;
    auto left = frame_header_bytes + body->size() - offset_;
    if (n < left) {
      current_ = queue;
      offset_ += n;
      break;
    }
    n -= left;
    offset_ = 0;
    if (queue != own) {
      freed[queue - 1] += cost(body);
      written_.bytes += body->size();
      ++written_.frames;
    }
    frames.pop_front();
  }
  std::unique_lock guard{mutex_};
  for (std::size_t lane = 0; lane < freed.size() && !over_; ++lane)
    queued_[lane].fetch_sub(freed[lane], std::memory_order_relaxed);
}

} // namespace callboard
