#include "actors/shard_actor.hpp"

// Full disks of a group's nodes: who leads then, and what is refused.

namespace callboard {

namespace {

problem no_room_here() {
  return {errc::unavailable,
          "the disk of the node that leads is full: nothing can be written "
          "until there is room; reading goes on",
          {},
          std::chrono::seconds{2}};
}

problem no_room_elsewhere() {
  return {errc::unavailable,
          "the disks of most nodes that hold this are full: nothing can be "
          "written until there is room; reading goes on",
          {},
          std::chrono::seconds{2}};
}

/// The disk is so full that not even a vote can be written down.
bool is_stuck(std::uint8_t no_space) {
  return (no_space & static_cast<std::uint8_t>(no_space_reason::log)) != 0;
}

} // namespace

/// Whose disk has room and who could be elected now; 0: nobody. An election
/// needs a majority that can write, or else nobody leads afterwards and even
/// reading ends.
node_number shard_state::node_with_room(std::uint64_t now_ms) const {
  auto heard_ms
    = static_cast<std::uint64_t>(node_->conf.cluster.election_timeout.count());
  std::size_t voters = 1;
  std::size_t electors = is_stuck(node_->no_space.load()) ? 0 : 1;
  node_number best{};
  log_index best_match{};
  for (auto& x : raft_->raft().progress()) {
    if (!x.member.voter)
      continue;
    ++voters;
    auto full = node_->peers.no_space_of(x.member.node, now_ms);
    if (!x.silent_ms || *x.silent_ms >= heard_ms || is_stuck(full))
      continue;
    ++electors;
    if (full == 0 && x.match >= best_match) {
      best = x.member.node;
      best_match = x.match;
    }
  }
  return electors > voters / 2 ? best : node_number{};
}

bool shard_state::most_disks_full(std::uint64_t now_ms) const {
  std::size_t voters = 1;
  std::size_t with_room = node_->no_space.load() == 0 ? 1 : 0;
  for (auto& x : raft_->raft().progress())
    if (x.member.voter) {
      ++voters;
      with_room += node_->peers.no_space_of(x.member.node, now_ms) == 0;
    }
  return with_room <= voters / 2;
}

/// Our disk is full; the leadership goes where there is room, and calls follow.
void shard_state::give_way(std::uint64_t now_ms) {
  constexpr std::uint64_t interval_ms = 500;
  if (!node_->cluster || !raft_->started() || !raft_->raft().leading()
      || handing_to_ || now_ms < next_way_ms_)
    return;
  next_way_ms_ = now_ms + interval_ms;
  auto to = node_with_room(now_ms);
  if (to == node_number{})
    return;
  if (raft_->ready())
    return begin_hand_over(to, now_ms);
  if (raft_->transfer(to, now_ms))
    after_raft();
}

std::optional<problem> shard_state::why_no_room() const {
  if (node_->no_space.load(std::memory_order_relaxed) != 0)
    return no_room_here();
  if (no_majority_has_room_)
    return no_room_elsewhere();
  return std::nullopt;
}

} // namespace callboard
