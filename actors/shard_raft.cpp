#include "actors/shard_raft.hpp"

#include "actors/remote_frame.hpp"

#include <caf/send.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace callboard {

shard_raft::shard_raft(node_context& node, shard_id shard)
    : node_{node}, shard_{shard} {
  // nop
}

// -- events
// --------------------------------------------------------------------

void shard_raft::tick(std::uint64_t now_ms) {
  if (load_at_ms_ && now_ms >= *load_at_ms_) {
    load_at_ms_ = UINT64_MAX; // until this one has an outcome
    read_disk(true);
  }
  if (!raft_)
    return;
  carry_out(raft_->tick(now_ms));
  apply_all();
}

result<log_index> shard_raft::propose(shared_bytes payload,
                                      std::uint64_t now_ms) {
  if (!raft_)
    return fail(errc::unavailable, "there is no replica here");
  auto done = raft_->propose(std::move(payload), now_ms);
  if (!done)
    return tl::unexpected{done.error()};
  auto index = raft_->last_index();
  carry_out(**done);
  return index;
}

result<read_ticket> shard_raft::read(std::uint64_t now_ms) {
  read_ticket asked;
  auto done = raft_->read(asked, now_ms);
  if (!done)
    return tl::unexpected{done.error()};
  carry_out(**done);
  return asked;
}

std::vector<read_outcome> shard_raft::take_reads() {
  return std::exchange(reads_, {});
}

result<void> shard_raft::transfer(node_number to, std::uint64_t now_ms) {
  if (!raft_)
    return fail(errc::unavailable, "there is no replica here");
  auto done = raft_->transfer(to, now_ms);
  if (!done)
    return tl::unexpected{done.error()};
  carry_out(**done);
  return {};
}

bool shard_raft::receive(node_number from, remote::message& x,
                         std::uint64_t now_ms) {
  if (auto raft = std::get_if<remote::raft>(&x)) {
    if (wiping_)
      return true;
    if (!raft_) {
      join(); // what is said meanwhile is said again
      return true;
    }
    // The state that such a message stands for comes as a stream, and the
    // message again behind it.
    if (described_state(static_cast<std::uint32_t>(shard_.value), raft->bytes))
      return true;
    carry_out(raft_->receive(from, raft->bytes, now_ms));
    return true;
  }
  return receive_stream(from, x);
}

// -- the disk reports
// -----------------------------------------------------------

void shard_raft::handle(const log_durable& x, std::uint64_t now_ms) {
  synced_ = std::max(synced_, x.done);
  report_durable(now_ms);
}

// The log writer reports the last append of those that it synced together.
void shard_raft::report_durable(std::uint64_t now_ms) {
  if (!raft_ || installing_)
    return;
  ticket done;
  while (!unsynced_.empty() && unsynced_.front().after <= synced_) {
    auto& x = unsynced_.front();
    if (x.install) {
      // What was on its way to the state comes first; then the staged rows
      // become the state, and only then this counts as done.
      apply_all();
      installing_ = true;
      caf::anon_send(node_.state_writer,
                     state_install{shard_, x.install->stream, me_});
      break;
    }
    send(x.messages);
    done = x.after;
    unsynced_.pop_front();
  }
  if (done != ticket{})
    carry_out(raft_->durable(done, now_ms));
}

void shard_raft::handle(const state_installed&, std::uint64_t now_ms) {
  if (!installing_ || unsynced_.empty())
    return;
  installing_ = false;
  auto x = std::move(unsynced_.front());
  unsynced_.pop_front();
  applied_ = x.install->index;
  trimmed_ = {};
  outliers_.clear(); // nothing is left of what differed
  ++sums_.states_received;
  log_append note;
  note.shard = shard_;
  note.installed = true;
  note.from = me_;
  caf::anon_send(node_.log_writer, std::move(note));
  send(x.messages);
  carry_out(raft_->durable(x.after, now_ms));
  report_durable(now_ms);
}

void shard_raft::handle(const state_applied& x) {
  applied_ = std::max(applied_, x.upto);
}

void shard_raft::handle(const state_flushed& x) {
  if (!raft_ || installing_)
    return;
  auto upto = keep_behind(std::min(x.upto, applied_));
  if (upto <= trimmed_)
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

// Followers that are near get the log; for those that are far, or silent, it is
// not kept: they get the state.
log_index shard_raft::keep_behind(log_index upto) const {
  constexpr std::uint64_t near_entries = 4096;
  constexpr std::uint64_t heard_ms = 2000;
  if (!raft_->leading())
    return upto;
  auto last = raft_->last_index().value;
  for (auto& x : raft_->progress())
    if (x.silent_ms && *x.silent_ms < heard_ms
        && last - std::min(last, x.match.value) <= near_entries)
      upto = std::min(upto, x.match);
  return upto;
}

// -- effects
// -------------------------------------------------------------------

void shard_raft::carry_out(const effects& x) {
  if (x.leadership_changed) {
    ++sums_.leadership_changes;
    if (!raft_->leading()) {
      move_.clear();
      // Others' faults are for the next leader to find.
      std::erase_if(outliers_,
                    [this](auto& y) { return y.first != node_.self.load(); });
    }
  }
  send(x.now); // others' disks begin while ours does
  persist(x);
  std::ranges::copy(x.reads, std::back_inserter(reads_));
  for (auto& request : x.states)
    begin_stream(request);
  if (!x.apply.empty())
    apply(x.apply);
  else if (x.leadership_changed)
    apply_if_due();
}

void shard_raft::apply(const std::vector<log_entry>& entries) {
  committed_ = entries.back().index;
  committed_term_ = entries.back().term;
  if (committed_told_)
    committed_told_();
  for (auto& x : entries)
    to_apply_bytes_ += x.payload.size();
  std::ranges::copy(entries, std::back_inserter(to_apply_));
  apply_if_due();
}

/// A follower's state is in no hurry: entries wait for the next tick, or until
/// there are enough for one go. The processors' time is for those that somebody
/// waits for. The map is wanted at once, by all.
void shard_raft::apply_if_due() {
  constexpr std::size_t most_entries = 64;
  constexpr std::size_t most_bytes = 256 << 10;
  if (raft_->leading() || shard_ == directory_shard
      || to_apply_.size() >= most_entries || to_apply_bytes_ >= most_bytes)
    apply_all();
}

void shard_raft::apply_all() {
  if (to_apply_.empty())
    return;
  const auto upto = to_apply_.back().index;
  caf::anon_send(node_.state_writer,
                 state_apply{shard_, upto, std::exchange(to_apply_, {}), me_});
  to_apply_bytes_ = 0;
}

void shard_raft::persist(const effects& x) {
  if (x.after == ticket{})
    return;
  log_append out;
  out.shard = shard_;
  out.hard = x.hard;
  out.erase_from = x.erase_from;
  out.erase_last = stored_last_;
  out.entries = x.append;
  out.install = x.install;
  out.after = x.after;
  out.from = me_;
  if (x.erase_from)
    stored_last_ = {x.erase_from->value - 1};
  if (!x.append.empty())
    stored_last_ = x.append.back().index;
  if (x.install)
    stored_last_ = x.install->index;
  unsynced_.push_back({x.after, x.after_sync, x.install});
  caf::anon_send(node_.log_writer, std::move(out));
}

void shard_raft::send(const std::vector<raft_message_out>& messages) {
  for (auto& x : messages)
    node_.peers.send(x.to, peer_lane::urgent,
                     frame(remote::message{remote::raft{shard_, x.bytes}}));
}

// -- members
// -------------------------------------------------------------------

std::optional<node_number> shard_raft::move_towards(const placement& wanted,
                                                    std::uint64_t now_ms) {
  constexpr std::uint64_t step_interval_ms = 200;
  if (!takes_commands() || now_ms < next_step_ms_)
    return std::nullopt;
  next_step_ms_ = now_ms + step_interval_ms;
  auto heard_ms = heard_within_ms();
  auto last = raft_->last_index().value;
  std::vector<member_state> members;
  for (auto& x : raft_->members())
    if (x.node == node_.self)
      members.push_back({x.node, x.voter, true, true});
  for (auto& x : raft_->progress())
    members.push_back({x.member.node, x.member.voter,
                       x.silent_ms && *x.silent_ms < heard_ms,
                       last - std::min(last, x.match.value) <= 1024});
  auto step = next_step(node_.self, members, wanted);
  move_.clear();
  using what = group_step::what;
  if (step.action == what::nothing)
    return std::nullopt;
  auto map = node_.map();
  auto who = map->find(step.node);
  auto name = who ? who->name : "#" + std::to_string(step.node.value);
  if (step.action == what::hand_over) {
    move_ = "handing over to " + name;
    return step.node;
  }
  auto [action, doing] = [&]() -> std::pair<member_action, const char*> {
    switch (step.action) {
    case what::add:
      return {member_action::add, "adding "};
    case what::promote:
      return {member_action::promote, "promoting "};
    case what::demote:
      return {member_action::demote, "demoting "};
    default:
      return {member_action::remove, "removing "};
    }
  }();
  move_ = doing + name;
  auto done = raft_->change(action, step.node, now_ms);
  if (done)
    carry_out(**done);
  else if (done.error().code != errc::unavailable)
    move_ += ": " + done.error().detail;
  return std::nullopt;
}

void shard_raft::hear_members(const remote::leader_notice& x) {
  if (!raft_ || wiping_ || installing_ || !x.leads || x.members.empty()
      || raft_->leading() || x.term < raft_->term()
      || std::ranges::find(x.members, node_.self.load()) != x.members.end())
    return;
  auto wanted = node_.map()->of(shard_);
  if (wanted
      && std::ranges::find(wanted->replicas, node_.self.load())
           != wanted->replicas.end())
    return; // it is about to be taken in
  spdlog::info("shard {}: this node holds no replica any more", shard_.value);
  const auto end = raft_->log_end();
  wiping_ = true;
  raft_.reset();
  unsynced_.clear();
  to_apply_.clear();
  to_apply_bytes_ = 0;
  reads_.clear();
  end_streams();
  digests_.clear();
  outliers_.clear();
  ++sums_.replicas_dropped;
  node_.counters.replicas.fetch_sub(1);
  log_append gone;
  gone.shard = shard_;
  gone.wipe = end;
  gone.from = me_;
  caf::anon_send(node_.log_writer, std::move(gone));
}

void shard_raft::handle(const state_wiped&) {
  wiping_ = false;
  applied_ = stored_last_ = trimmed_ = {};
}

} // namespace callboard
