#include "actors/shard_raft.hpp"

#include <caf/send.hpp>

#include <algorithm>
#include <array>
#include <random>
#include <utility>

namespace callboard {

namespace {

// A node that is alone; the cluster brings numbers for its nodes.
constexpr node_number self_number{1};

} // namespace

shard_raft::shard_raft(node_context& node, shard_id shard)
    : node_{node}, shard_{shard} {
  consensus::options opts;
  opts.self = self_number;
  opts.group = static_cast<std::uint32_t>(shard.value);
  opts.random_seed = std::random_device{}();
  raft_ = make_raft_consensus(opts);
}

result<void> shard_raft::start(storage_listener me, std::uint64_t now_ms) {
  me_ = std::move(me);
  auto applied = node_.state->applied(shard_);
  if (!applied)
    return tl::unexpected{applied.error()};
  auto found = node_.log->load(shard_, *applied);
  if (!found)
    return tl::unexpected{found.error()};
  applied_ = *applied;
  stored_last_ = found->entries.empty() ? found->snapshot_index
                                        : found->entries.back().index;
  const std::array members{group_member{self_number, true}};
  carry_out(raft_->start(std::move(*found), members, now_ms));
  return {};
}

void shard_raft::tick(std::uint64_t now_ms) {
  carry_out(raft_->tick(now_ms));
}

result<log_index> shard_raft::propose(shared_bytes payload,
                                      std::uint64_t now_ms) {
  auto done = raft_->propose(std::move(payload), now_ms);
  if (!done)
    return tl::unexpected{done.error()};
  carry_out(**done);
  return raft_->last_index();
}

void shard_raft::on_durable(ticket done, std::uint64_t now_ms) {
  // The log writer reports the last append of those that it synced together.
  while (!unsynced_.empty() && unsynced_.front() <= done)
    unsynced_.pop_front();
  carry_out(raft_->durable(done, now_ms));
}

void shard_raft::on_applied(log_index upto) {
  applied_ = std::max(applied_, upto);
}

void shard_raft::on_flushed(log_index upto) {
  if (upto <= trimmed_ || upto > applied_)
    return;
  auto term = raft_->term_at(upto);
  if (term == raft_term{})
    return;
  auto [configuration_index, configuration] = raft_->configuration_at(upto);
  caf::anon_send(node_.maintenance,
                 log_trim{shard_, upto, term, configuration_index,
                          std::move(configuration)});
  trimmed_ = upto;
  raft_->trim(next(upto));
}

void shard_raft::carry_out(const effects& x) {
  if (x.leadership_changed && !raft_->leading())
    ready_at_.reset();
  if (x.after != ticket{}) {
    log_append out{shard_,   x.hard,  x.erase_from, stored_last_,
                   x.append, x.after, me_};
    if (x.erase_from)
      stored_last_ = {x.erase_from->value - 1};
    if (!x.append.empty())
      stored_last_ = x.append.back().index;
    unsynced_.push_back(x.after);
    caf::anon_send(node_.log_writer, std::move(out));
  }
  if (x.apply.empty())
    return;
  for (auto& entry : x.apply)
    if (entry.kind == entry_kind::barrier && entry.term == raft_->term())
      ready_at_ = entry.index;
  caf::anon_send(node_.state_writer,
                 state_apply{shard_, x.apply.back().index, x.apply, me_});
}

} // namespace callboard
