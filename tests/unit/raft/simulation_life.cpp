#include "storage/raft/configuration.hpp"
#include "storage/raft/message.hpp"

#include "tests/unit/raft/simulation.hpp"

#include <algorithm>

namespace callboard::test {

namespace {

constexpr std::uint32_t group = 7;
constexpr std::uint64_t tick_us = 10'000;

log_entry copy_of(const log_entry& x) {
  auto block = std::make_shared<const std::string>(x.payload);
  return {x.index, x.term, x.kind, *block, block};
}

} // namespace

std::uint64_t simulation::now_ms(const simulated_node& x) const {
  const auto true_ms = static_cast<std::int64_t>(10'000'000 + now_ / 1000);
  return static_cast<std::uint64_t>(true_ms + x.clock_offset_ms);
}

void simulation::boot(simulated_node& x) {
  for (const auto& [index, entry] : x.disk.log)
    check_written(x, entry);
  x.up = true;
  ++x.life;
  x.slow = 1;
  x.applied = x.disk.flushed;
  x.commit_seen = x.disk.flushed;
  x.led_term = 0;
  x.replica = make_raft_consensus(
    {.self = {x.id},
     .group = group,
     .election_timeout_ms = opts_.election_ms,
     .heartbeat_ms = opts_.heartbeat_ms,
     .stuck_after_ms = opts_.stuck_after_ms,
     .random_seed = static_cast<std::uint32_t>(random(1, 1u << 30))});
  std::vector<group_member> founders;
  if (x.id <= opts_.founders)
    for (std::uint64_t i = 1; i <= opts_.founders; ++i)
      founders.push_back({{i}, true});
  auto found = x.disk.load();
  if (would_lead_without_dropped(found, {x.id})) {
    x.disk.wipe();
    x.applied = x.commit_seen = {};
    found = x.disk.load();
  }
  carry_out(x, x.replica->start(std::move(found), founders, now_ms(x)));
  at(now_ + random(1, tick_us), [this, &x, life = x.life] { tick(x, life); });
}

void simulation::tick(simulated_node& x, std::uint64_t life) {
  if (x.life != life)
    return;
  carry_out(x, x.replica->tick(now_ms(x)));
  if (opts_.flush_and_trim && random(0, 9) == 0)
    flush_and_trim(x);
  if (x.full && x.replica->leading() && random(0, 9) == 0)
    transfer(x.id); // who cannot write steps back
  at(now_ + tick_us, [this, &x, life] { tick(x, life); });
}

void simulation::carry_out(simulated_node& x, const effects& fx) {
  const auto early = fx.after;
  if (fx.after.value != 0)
    write(x, fx);
  else if (!fx.after_sync.empty())
    wrong("messages wait for no ticket");
  for (const auto& message : fx.now)
    send(x, message);
  for (const auto& entry : fx.apply)
    check_applied(x, entry);
  for (const auto& read : fx.reads)
    if (auto asked = x.reads.extract(read.read); !asked.empty())
      check_read(x, asked.mapped(), read);
  for (const auto& request : fx.states)
    stream_state(x, request);
  check_commit(x);
  check_leader(x);
  start_write(x);
  if (opts_.mutant == mutant::acknowledge_before_durable && early.value != 0)
    carry_out(x, x.replica->durable(early, now_ms(x)));
}

// --- disk
// ---------------------------------------------------------------------

void simulation::write(simulated_node& x, const effects& fx) {
  simulated_node::write write{fx.hard,    fx.erase_from, {},
                              fx.install, fx.after,      fx.after_sync};
  for (const auto& entry : fx.append)
    write.append.push_back(copy_of(entry));
  if (opts_.mutant == mutant::forget_votes && write.hard)
    write.hard->voted_for = {};
  if (opts_.mutant == mutant::acknowledge_before_durable) {
    for (const auto& message : write.after_sync)
      send(x, message);
    write.after_sync.clear();
  }
  x.pending.push_back(std::move(write));
}

void simulation::start_write(simulated_node& x) {
  if (x.writing || x.full || x.pending.empty())
    return;
  x.writing = true;
  x.in_progress.swap(x.pending);
  const auto us = random(opts_.disk_us_min, opts_.disk_us_max) * x.slow;
  at(now_ + us, [this, &x, life = x.life] {
    if (x.life == life)
      finish_write(x);
  });
}

void simulation::finish_write(simulated_node& x) {
  auto done = std::move(x.in_progress);
  x.in_progress.clear();
  x.writing = false;
  for (auto& write : done) {
    x.persist(write);
    for (const auto& entry : write.append)
      check_written(x, entry);
  }
  for (auto& write : done)
    complete(x, write);
  start_write(x);
}

void simulation::complete(simulated_node& x, simulated_node::write& write) {
  if (write.install) {
    if (x.applied >= write.install->index)
      wrong("node " + std::to_string(x.id) + " takes a state that is older");
    x.applied = write.install->index;
    ++states_installed;
  }
  for (const auto& message : write.after_sync)
    send(x, message);
  carry_out(x, x.replica->durable(write.number, now_ms(x)));
}

/// The state store writes its memory to disk now and then; then the log may be
/// forgotten up to there, as far as it is not kept for slow followers.
void simulation::flush_and_trim(simulated_node& x) {
  // A state that is being installed must not be overtaken by a flush.
  for (const auto* queue : {&x.pending, &x.in_progress})
    for (const auto& write : *queue)
      if (write.install)
        return;
  x.disk.flushed
    = {random(x.disk.flushed.value, std::max(x.applied, x.disk.flushed).value)};
  auto upto = x.disk.flushed;
  if (!opts_.trim_ahead)
    for (const auto& other : nodes_)
      upto = std::min(upto, other->disk.flushed);
  upto = {upto.value - std::min(upto.value, random(0, 20))};
  if (upto <= x.disk.trimmed || !x.disk.log.contains(upto.value))
    return;
  const auto term = x.replica->term_at(upto);
  if (term.value == 0)
    return;
  if (term != x.disk.log.at(upto.value).term)
    wrong("term of a trimmed entry differs from the disk's");
  x.disk.trimmed = upto;
  x.disk.trimmed_term = term;
  x.disk.trimmed_configuration = x.replica->configuration_at(upto);
  x.replica->trim(next(upto));
  x.disk.log.erase(x.disk.log.begin(), x.disk.log.upper_bound(upto.value));
}

// --- links
// --------------------------------------------------------------------

void simulation::send(simulated_node& x, const raft_message_out& message) {
  const link way{x.id, message.to.value};
  auto bytes = message.bytes;
  if (opts_.mutant != mutant::none)
    falsify(x, bytes);
  if (filter && !filter(way.first, way.second, bytes))
    return;
  if (cut_.contains(way))
    return;
  if (static_cast<double>(random(0, 9'999)) < opts_.loss * 10'000)
    return break_session(way);
  auto time = now_ + random(opts_.net_us_min, opts_.net_us_max);
  time = arrivals_[way] = std::max(time, arrivals_[way] + 1);
  at(time, [this, way, bytes = std::move(bytes), session = sessions_[way]] {
    if (sessions_[way] == session)
      deliver(way, bytes);
  });
}

/// Behind what was sent before, as messages are.
void simulation::tell_removed(std::uint64_t leader) {
  auto& from = at_node(leader);
  if (!from.up || !from.replica->leading()
      || from.applied < from.replica->barrier_index())
    return;
  const auto needed = nodes_of(*from.replica);
  const auto term = from.replica->term();
  for (auto& to : nodes_) {
    const link way{leader, to->id};
    if (cut_.contains(way)
        || std::ranges::find(needed, node_number{to->id}) != needed.end())
      continue;
    auto time = now_ + random(opts_.net_us_min, opts_.net_us_max);
    time = arrivals_[way] = std::max(time, arrivals_[way] + 1);
    at(time, [this, way, term, session = sessions_[way]] {
      if (sessions_[way] == session)
        hear_removed(at_node(way.second), term);
    });
  }
}

void simulation::hear_removed(simulated_node& x, raft_term term) {
  if (!x.up || term < x.replica->term()
      || x.replica->last_index() == log_index{})
    return;
  x.drop_replica(opts_.mutant != mutant::forget_dropped_log);
  ++replicas_dropped;
  boot(x);
}

void simulation::deliver(link way, const std::string& bytes) {
  auto& to = at_node(way.second);
  if (to.up)
    carry_out(to, to.replica->receive({way.first}, bytes, now_ms(to)));
}

void simulation::falsify(const simulated_node& x, std::string& bytes) const {
  auto message = decode_message(group, {x.id}, bytes);
  if (!message)
    return;
  auto& head = message->head;
  if (opts_.mutant == mutant::acknowledge_unverified
      && head.type == CRAFT_APPEND_RESULT && head.rejected == 0
      && !x.disk.log.empty())
    head.index = std::max(head.index, x.disk.log.rbegin()->first);
  else if (opts_.mutant == mutant::vote_without_log_check
           && head.type == CRAFT_VOTE) {
    head.index += 1'000'000;
    head.index_term = head.term;
  } else
    return;
  bytes = encode_message(group, head, message->entries);
}

/// Chunk by chunk over the link into a staging area; only the end matters here.
void simulation::stream_state(simulated_node& x, const state_request& request) {
  auto description = x.replica->describe_state(request.stream, x.applied);
  if (!description) // leadership was lost in the same step
    return x.replica->stream_ended(request.stream);
  const link way{x.id, request.to.value};
  at(now_ + random(opts_.stream_us_min, opts_.stream_us_max),
     [this, &x, way, life = x.life, session = sessions_[way],
      stream = request.stream, bytes = *description] {
       if (x.life != life)
         return;
       if (sessions_[way] == session && !cut_.contains(way))
         deliver(way, bytes);
       x.replica->stream_ended(stream);
     });
}

} // namespace callboard::test
