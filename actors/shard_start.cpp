#include "actors/shard_raft.hpp"

#include <caf/send.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

// How a replica begins: a reader looks at what an earlier life left on the
// disk.

namespace callboard {

namespace {

/// Entries that a follower is sent ahead of its answers, each of up to
/// engine.batch_bytes: what it keeps in memory while its disk is full.
constexpr std::uint32_t most_inflight_entries = 64;

std::string name_of(shard_id shard) {
  return shard == directory_shard ? "the directory of the cluster"
                                  : "shard " + std::to_string(shard.value);
}

} // namespace

void shard_raft::start(storage_listener me) {
  me_ = std::move(me);
  if (loading_) {
    look_again_ = true; // it may be a founder by now
    return;
  }
  std::vector<group_member> founders;
  auto map = node_.first_map();
  if (auto wanted = map ? map->of(shard_) : nullptr)
    for (auto node : wanted->replicas)
      founders.push_back({node, true});
  if (std::ranges::find(founders, node_.self.load(), &group_member::node)
      == founders.end())
    founders.clear();
  if (std::exchange(looked_, !founders.empty()) == !founders.empty())
    return; // there was nothing then, and what comes since comes from others
  load([shard = shard_, founders](node_context& node) {
    return find_replica(node, shard, founders);
  });
}

/// A member of the group talks to us: we are being taken in.
void shard_raft::join() {
  load(
    [shard = shard_](node_context& node) { return load_replica(node, shard); });
}

void shard_raft::load(replica_loader how) {
  if (raft_ || loading_ || wiping_)
    return;
  loading_ = true;
  loader_ = std::move(how);
  read_disk(false);
}

void shard_raft::read_disk(bool again) {
  node_.read([&node = node_, how = loader_, me = me_, again] {
    if (again) {
      node.recover(*node.state);
      node.recover(*node.log);
    }
    caf::anon_send(me,
                   replica_loaded{std::make_shared<loaded_replica>(how(node))});
  });
}

/// What an earlier life left has to be written down, but the disk is full.
void shard_raft::load_later(const problem& why, std::uint64_t now_ms) {
  constexpr std::uint64_t interval_ms = 500;
  if (node_.no_space.load() == 0)
    spdlog::error("{}: the replica begins when the disk under {} has room ({})",
                  name_of(shard_), node_.conf.node.data_dir, why.detail);
  node_.set_no_space(no_space_reason::state, true);
  load_at_ms_ = now_ms + interval_ms;
}

void shard_raft::handle(const replica_loaded& x, std::uint64_t now_ms) {
  auto& found = *x.what;
  if (found.error && found.error->code == errc::unavailable)
    return load_later(*found.error, now_ms);
  if (found.error)
    node_.die(name_of(shard_) + ": " + found.error->detail);
  if (std::exchange(load_at_ms_, std::nullopt))
    node_.set_no_space(no_space_reason::state, false);
  loading_ = false;
  if (std::exchange(look_again_, false) && !found.begins)
    return start(me_);
  if (!found.begins)
    return; // the first message of the group's leader starts it
  consensus::options opts;
  opts.self = node_.self;
  opts.group = static_cast<std::uint32_t>(shard_.value);
  opts.random_seed = random_seed();
  opts.election_timeout_ms
    = static_cast<std::uint32_t>(node_.conf.cluster.election_timeout.count());
  opts.heartbeat_ms
    = static_cast<std::uint32_t>(node_.conf.cluster.heartbeat.count());
  opts.time_step_ms = static_cast<std::uint32_t>(tick_interval.count());
  opts.max_inflight_entries = most_inflight_entries;
  raft_ = make_raft_consensus(opts);
  applied_ = found.applied;
  trimmed_ = {};
  stored_last_ = found.log.entries.empty() ? found.log.snapshot_index
                                           : found.log.entries.back().index;
  node_.counters.replicas.fetch_add(1);
  carry_out(raft_->start(std::move(found.log), found.bootstrap, now_ms));
}

} // namespace callboard
