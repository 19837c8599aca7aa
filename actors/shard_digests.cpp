#include "actors/remote_frame.hpp"
#include "actors/shard_raft.hpp"

#include <caf/send.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

// What replicas find when they compare their states, and what follows: one that
// differs from most is taken out of the map, drops what it has, and is made
// anew.

namespace callboard {

void shard_raft::check_digests(std::uint64_t now_ms, bool anyway) {
  if (!takes_commands() || (raft_->last_index() == checked_ && !anyway))
    return;
  // An entry without a command: the place at which all replicas look.
  auto index = propose(std::make_shared<const std::string>(), now_ms);
  if (index)
    checked_ = *index;
}

namespace {

/// Of a replica that cannot be read: no other has it, whether it can be or not,
/// so that it is taken out like one that differs.
std::uint64_t digest_of_nothing(node_number self) {
  return 0x6e6f'7468'696e'6700u + self.value;
}

} // namespace

void shard_raft::handle(const state_pinned& x) {
  node_.read([state = x.state, me = me_, self = node_.self.load(),
              shard = shard_] {
    auto began = steady_us();
    auto digest = state->digest();
    if (!digest)
      spdlog::critical("shard {}: the replica of this node cannot be read and "
                       "counts as one that differs: {}",
                       shard.value, digest.error().detail);
    caf::anon_send(
      me,
      digest_made{state->applied(), digest.value_or(digest_of_nothing(self)),
                  static_cast<std::uint64_t>(steady_us() - began)});
  });
}

void shard_raft::handle(const digest_made& x) {
  digest_us_ = x.took_us;
  if (!raft_)
    return;
  if (raft_->leading())
    return note_digest(node_.self, x.applied, x.digest);
  digests_ = {{node_.self, {x.applied, x.digest}}};
  node_.peers.send(raft_->leader(), peer_lane::normal,
                   frame(remote::state_digest{shard_, x.applied, x.digest}));
}

void shard_raft::note_digest(node_number node, log_index applied,
                             std::uint64_t digest) {
  if (!raft_ || !raft_->leading())
    return;
  digests_[node] = {applied, digest};
  ++sums_.digests_compared;
  // Whom do most agree with?
  auto members = raft_->members();
  std::map<std::uint64_t, std::vector<node_number>> groups;
  for (auto& member : members)
    if (auto row = digests_.find(member.node);
        row != digests_.end() && row->second.applied == applied)
      groups[row->second.digest].push_back(member.node);
  if (groups.empty())
    return;
  auto most = std::ranges::max_element(
    groups, {}, [](const auto& x) { return x.second.size(); });
  auto decided = 2 * most->second.size() > members.size();
  if (decided)
    for (auto who : most->second)
      outliers_.erase(who);
  if (groups.size() < 2)
    return;
  if (differed_ != applied) {
    differed_ = applied;
    ++sums_.digest_mismatches;
    spdlog::critical("shard {}: replicas differ at {}: an alarm, see "
                     "`callboard admin status`",
                     shard_.value, applied.value);
  }
  if (!decided)
    return;
  auto map = node_.map();
  for (auto& [value, nodes] : groups)
    for (auto who : nodes)
      if (value != most->first && outliers_.emplace(who, map->version).second) {
        ++sums_.outliers;
        auto known = map->find(who);
        spdlog::critical("shard {}: what node {} holds differs from what most "
                         "hold: it is taken out",
                         shard_.value,
                         known ? known->name : std::to_string(who.value));
      }
}

std::optional<node_number> shard_raft::heir() const {
  std::optional<node_number> best;
  log_index furthest;
  auto heard_ms = heard_within_ms();
  for (auto& x : raft_->progress()) {
    if (!x.member.voter || outliers_.contains(x.member.node) || !x.silent_ms
        || *x.silent_ms >= heard_ms || (best && x.match <= furthest))
      continue;
    best = x.member.node;
    furthest = x.match;
  }
  return best;
}

std::optional<map_order> shard_raft::wish(std::uint64_t now_ms) {
  constexpr std::uint64_t again_ms = 1000;
  if (now_ms < next_wish_ms_)
    return std::nullopt;
  auto map = node_.map();
  auto group = map->of(shard_);
  if (group == nullptr)
    return std::nullopt;
  auto wanted = [group](node_number node) {
    return std::ranges::find(group->replicas, node) != group->replicas.end();
  };
  // What was taken out, maybe to come back since, is dealt with.
  std::erase_if(outliers_, [&](auto& x) {
    auto taken = map->taken_from(shard_, x.first);
    return !wanted(x.first) || (taken && taken->version > x.second);
  });
  if (!outliers_.empty()) {
    next_wish_ms_ = now_ms + again_ms;
    auto [node, seen] = *outliers_.begin();
    return cluster_change::take_out{shard_, node, seen};
  }
  auto self = node_.self.load();
  auto taken = map->taken_from(shard_, self);
  auto lacking = group->replicas.size() < map->wanted() && !wanted(self);
  if (raft_ || loading_ || wiping_ || !taken || (taken->empty && !lacking))
    return std::nullopt;
  next_wish_ms_ = now_ms + (taken->empty ? 10 * again_ms : again_ms);
  return cluster_change::give_back{shard_, self};
}

} // namespace callboard
