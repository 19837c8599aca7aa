#include "actors/replica_figures.hpp"

#include "actors/node_context.hpp"
#include "actors/shard_raft.hpp"

#include <algorithm>

namespace callboard {

namespace {

replica_role role_in(const consensus& raft, node_number self) {
  if (raft.leading())
    return replica_role::leader;
  auto members = raft.members();
  auto at = std::ranges::find(members, self, &group_member::node);
  if (at == members.end())
    return replica_role::none;
  if (!at->voter)
    return replica_role::learner;
  return raft.leader() == node_number{} ? replica_role::candidate
                                        : replica_role::follower;
}

} // namespace

void replica_figures::put(shard_figures x) {
  std::lock_guard guard{mutex_};
  auto at = std::ranges::lower_bound(rows_, x.shard, {}, &shard_figures::shard);
  if (at != rows_.end() && at->shard == x.shard)
    *at = std::move(x);
  else
    rows_.insert(at, std::move(x));
}

std::vector<shard_figures> replica_figures::all() const {
  std::lock_guard guard{mutex_};
  return rows_;
}

shard_figures figures_of(const shard_raft& x, shard_id shard,
                         const node_context& node) {
  shard_figures out;
  out.shard = shard;
  auto& sums = x.sums();
  out.leadership_changes = sums.leadership_changes;
  out.states_sent = sums.states_sent;
  out.states_received = sums.states_received;
  out.digest_mismatches = sums.digest_mismatches;
  out.outliers = sums.outliers;
  out.replicas_dropped = sums.replicas_dropped;
  if (shard.value < node.shard_bytes_in_flight.size())
    out.proposal_bytes = node.shard_bytes_in_flight[shard.value].load();
  out.applied_index = x.applied().value;
  if (!x.started())
    return out;
  auto& raft = x.raft();
  out.role = role_in(raft, node.self.load());
  out.term = raft.term().value;
  out.commit_index = raft.commit_index().value;
  out.last_index = raft.last_index().value;
  if (!raft.leading())
    return out;
  auto map = node.map();
  for (auto& each : raft.progress()) {
    auto known = map->find(each.member.node);
    auto match = std::min(each.match.value, out.last_index);
    out.followers.push_back(
      {known ? known->name : std::to_string(each.member.node.value),
       out.last_index - match, each.member.voter});
  }
  return out;
}

} // namespace callboard
