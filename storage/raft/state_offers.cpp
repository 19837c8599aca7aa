#include "storage/raft/state_offers.hpp"

#include <algorithm>

namespace callboard {

namespace {

/// A term has one leader, so term and count together are used once.
constexpr unsigned count_bits = 16;

} // namespace

state_offers::step state_offers::wanted(node_number to) {
  auto [x, is_new] = receivers_.try_emplace(to);
  if (is_new)
    return step::offer;
  return x->second.stream.value == 0 ? step::stream : step::wait;
}

stream_id state_offers::begin(node_number to, raft_term term) {
  streams_ = streams_ % ((1u << count_bits) - 1) + 1;
  const stream_id stream{(term.value << count_bits) | streams_};
  receivers_[to] = {stream, std::nullopt};
  return stream;
}

std::optional<node_number> state_offers::receiver(stream_id stream) const {
  for (const auto& [to, x] : receivers_)
    if (x.stream == stream && stream.value != 0)
      return to;
  return std::nullopt;
}

void state_offers::pin(stream_id stream, log_index applied) {
  if (auto to = receiver(stream))
    receivers_[*to].pinned = applied;
}

void state_offers::end(stream_id stream) {
  if (auto to = receiver(stream))
    receivers_.erase(*to);
}

void state_offers::clear() {
  receivers_.clear();
}

std::optional<log_index> state_offers::lowest_pin() const {
  std::optional<log_index> lowest;
  for (const auto& [to, x] : receivers_)
    if (x.pinned)
      lowest = lowest ? std::min(*lowest, *x.pinned) : *x.pinned;
  return lowest;
}

} // namespace callboard
