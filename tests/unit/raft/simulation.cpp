#include "tests/unit/raft/simulation.hpp"

#include <algorithm>
#include <deque>
#include <sstream>

namespace callboard::test {

namespace {

constexpr std::uint64_t tick_us = 10'000;

/// Everything that must be the same on all replicas.
std::string identity(const log_entry& x) {
  return std::to_string(x.term.value) + '/'
         + std::to_string(static_cast<int>(x.kind)) + '/'
         + std::string{x.payload};
}

log_entry copy_of(const log_entry& x) {
  auto block = std::make_shared<const std::string>(x.payload);
  return {x.index, x.term, x.kind, *block, block};
}

} // namespace

struct simulation::node_state {
  struct write {
    std::optional<hard_state> hard;
    std::optional<log_index> erase_from;
    std::vector<log_entry> append;
    ticket number;
    std::vector<raft_message_out> after_sync;
  };

  std::uint64_t id = 0;
  std::uint64_t life = 0;
  bool up = false;
  std::unique_ptr<consensus> replica;
  simulated_disk disk;
  std::deque<write> pending;
  std::deque<write> in_progress;
  bool writing = false;
  std::uint64_t slow = 1;
  log_index applied;
  std::uint64_t barrier_checked_in = 0; ///< A term.

  void persist(const write& x) {
    if (x.hard)
      disk.hard = *x.hard;
    if (x.erase_from)
      disk.log.erase(disk.log.lower_bound(x.erase_from->value), disk.log.end());
    for (const auto& entry : x.append)
      disk.log[entry.index.value] = entry;
  }

  restored_log load() const {
    restored_log found;
    found.hard = disk.hard;
    found.snapshot_index = disk.flushed;
    found.snapshot_term = disk.trimmed_term;
    found.term_before_entries = disk.trimmed_term;
    if (disk.flushed.value != 0) {
      found.configuration_index = disk.trimmed_configuration.first;
      found.configuration = disk.trimmed_configuration.second;
    }
    for (const auto& [index, entry] : disk.log) {
      if (index <= disk.flushed.value) {
        found.snapshot_term = entry.term;
        if (entry.kind == entry_kind::change
            && index > found.configuration_index.value) {
          found.configuration_index = entry.index;
          found.configuration = entry.payload;
        }
      }
      found.entries.push_back(entry);
    }
    return found;
  }
};

simulation::simulation(const options& opts) : opts_{opts}, engine_{opts.seed} {
  for (std::uint64_t i = 1; i <= opts.nodes; ++i) {
    nodes_.push_back(std::make_unique<node_state>());
    nodes_.back()->id = i;
  }
  for (auto& x : nodes_)
    boot(*x);
}

simulation::~simulation() = default;

// --- time
// ---------------------------------------------------------------------

void simulation::at(std::uint64_t time, std::function<void()> what) {
  queue_.push({time, events_++, std::move(what)});
}

void simulation::run_for(std::uint64_t us) {
  run_until([] { return false; }, us);
}

bool simulation::run_until(const std::function<bool()>& done,
                           std::uint64_t us) {
  const auto end = now_ + us;
  while (violations.empty() && !done()) {
    if (queue_.empty() || queue_.top().time > end) {
      now_ = end;
      return done();
    }
    auto next_event = queue_.top();
    queue_.pop();
    now_ = next_event.time;
    next_event.what();
  }
  return violations.empty();
}

std::uint64_t simulation::random(std::uint64_t low, std::uint64_t high) {
  return low + engine_() % (high - low + 1);
}

// --- faults
// -------------------------------------------------------------------

void simulation::crash(std::uint64_t node) {
  auto& x = at_node(node);
  if (!x.up)
    return;
  // The batch that is being written is there as a whole or not at all.
  if (x.writing && random(0, 1) == 1)
    for (auto& write : x.in_progress)
      x.persist(write);
  x.up = false;
  ++x.life;
  x.replica.reset();
  x.pending.clear();
  x.in_progress.clear();
  x.writing = false;
  for (auto& other : nodes_)
    if (other->id != node) {
      ++sessions_[{node, other->id}];
      ++sessions_[{other->id, node}];
    }
}

void simulation::restart(std::uint64_t node) {
  if (!at_node(node).up)
    boot(at_node(node));
}

bool simulation::up(std::uint64_t node) const {
  return at_node(node).up;
}

void simulation::cut(std::uint64_t a, std::uint64_t b) {
  for (auto link : {std::pair{a, b}, std::pair{b, a}}) {
    cut_.insert(link);
    ++sessions_[link];
  }
}

void simulation::isolate(std::uint64_t node) {
  for (auto& other : nodes_)
    if (other->id != node)
      cut(node, other->id);
}

void simulation::heal() {
  cut_.clear();
}

void simulation::slow_disk(std::uint64_t node, std::uint64_t factor) {
  at_node(node).slow = factor;
}

// --- use
// ----------------------------------------------------------------------

consensus& simulation::replica(std::uint64_t node) {
  return *at_node(node).replica;
}

const simulated_disk& simulation::disk(std::uint64_t node) const {
  return at_node(node).disk;
}

std::uint64_t simulation::leader() const {
  std::uint64_t result = 0;
  raft_term highest;
  for (const auto& x : nodes_)
    if (x->up && x->replica->leading() && x->replica->term() > highest) {
      highest = x->replica->term();
      result = x->id;
    }
  return result;
}

bool simulation::propose(std::uint64_t node, const std::string& more) {
  auto& x = at_node(node);
  if (!x.up || !x.replica->leading())
    return false;
  auto payload = std::make_shared<const std::string>(
    std::to_string(next_command_++) + more);
  auto fx = x.replica->propose(std::move(payload), now_ms());
  if (!fx)
    return false;
  carry_out(x, **fx);
  return true;
}

log_index simulation::applied(std::uint64_t node) const {
  return at_node(node).applied;
}

std::string simulation::describe() const {
  std::ostringstream out;
  for (const auto& x : nodes_) {
    out << "\nnode " << x->id << (x->up ? "" : " is down");
    if (!x->up)
      continue;
    const auto& replica = *x->replica;
    out << (replica.leading() ? " leads" : " follows ")
        << (replica.leading() ? "" : std::to_string(replica.leader().value))
        << " in term " << replica.term().value << ", last "
        << replica.last_index().value << ", commit "
        << replica.commit_index().value << ", applied " << x->applied.value
        << ", flushed " << x->disk.flushed.value << ", trimmed "
        << x->disk.trimmed.value << ", on disk "
        << (x->disk.log.empty() ? 0 : x->disk.log.rbegin()->first);
  }
  return out.str();
}

simulation::node_state& simulation::at_node(std::uint64_t node) {
  return *nodes_.at(node - 1);
}

const simulation::node_state& simulation::at_node(std::uint64_t node) const {
  return *nodes_.at(node - 1);
}

// --- a replica's life
// ---------------------------------------------------------

void simulation::boot(node_state& x) {
  x.up = true;
  ++x.life;
  x.slow = 1;
  x.applied = x.disk.flushed;
  x.replica = make_raft_consensus(
    {.self = {x.id},
     .group = 7,
     .election_timeout_ms = 300,
     .heartbeat_ms = 60,
     .random_seed = static_cast<std::uint32_t>(random(1, 1u << 30))});
  std::vector<group_member> members;
  for (std::uint64_t i = 1; i <= opts_.nodes; ++i)
    members.push_back({{i}, true});
  carry_out(x, x.replica->start(x.load(), members, now_ms()));
  at(now_ + random(1, tick_us), [this, &x, life = x.life] { tick(x, life); });
}

void simulation::tick(node_state& x, std::uint64_t life) {
  if (x.life != life)
    return;
  carry_out(x, x.replica->tick(now_ms()));
  if (opts_.flush_and_trim && random(0, 9) == 0)
    flush_and_trim(x);
  at(now_ + tick_us, [this, &x, life] { tick(x, life); });
}

void simulation::carry_out(node_state& x, const effects& fx) {
  if (fx.after.value != 0) {
    node_state::write write{
      fx.hard, fx.erase_from, {}, fx.after, fx.after_sync};
    for (const auto& entry : fx.append)
      write.append.push_back(copy_of(entry));
    x.pending.push_back(std::move(write));
  } else if (!fx.after_sync.empty()) {
    wrong("messages wait for no ticket");
  }
  for (const auto& message : fx.now)
    send(x, message);
  for (const auto& entry : fx.apply)
    apply(x, entry);
  check_leader(x);
  start_write(x);
}

void simulation::start_write(node_state& x) {
  if (x.writing || x.pending.empty())
    return;
  x.writing = true;
  x.in_progress.swap(x.pending);
  const auto us = random(opts_.disk_us_min, opts_.disk_us_max) * x.slow;
  at(now_ + us, [this, &x, life = x.life] {
    if (x.life == life)
      finish_write(x);
  });
}

void simulation::finish_write(node_state& x) {
  auto done = std::move(x.in_progress);
  x.in_progress.clear();
  x.writing = false;
  for (auto& write : done)
    x.persist(write);
  for (auto& write : done) {
    for (auto& message : write.after_sync)
      send(x, message);
    carry_out(x, x.replica->durable(write.number, now_ms()));
  }
  start_write(x);
}

void simulation::send(node_state& x, const raft_message_out& message) {
  const std::pair link{x.id, message.to.value};
  auto bytes = message.bytes;
  if (filter && !filter(link.first, link.second, bytes))
    return;
  if (cut_.contains(link)
      || static_cast<double>(random(0, 9'999)) < opts_.loss * 10'000)
    return;
  auto time = now_ + random(opts_.net_us_min, opts_.net_us_max);
  time = std::max(time, arrivals_[link] + 1);
  arrivals_[link] = time;
  at(time, [this, link, bytes = std::move(bytes), session = sessions_[link]] {
    auto& to = at_node(link.second);
    if (to.up && sessions_[link] == session)
      carry_out(to, to.replica->receive({link.first}, bytes, now_ms()));
  });
}

/// The state store writes its memory to disk now and then; then the log may be
/// forgotten up to what all replicas have there (no snapshots here).
void simulation::flush_and_trim(node_state& x) {
  x.disk.flushed
    = {random(x.disk.flushed.value, std::max(x.applied, x.disk.flushed).value)};
  auto upto = x.disk.flushed;
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

// --- checks
// -------------------------------------------------------------------

void simulation::apply(node_state& x, const log_entry& entry) {
  if (entry.index != next(x.applied))
    wrong("node " + std::to_string(x.id) + " applied "
          + std::to_string(entry.index.value) + " after "
          + std::to_string(x.applied.value));
  x.applied = entry.index;
  // A state that is ahead of its log could not be started from.
  if (!x.disk.log.contains(entry.index.value))
    wrong("node " + std::to_string(x.id) + " applied entry "
          + std::to_string(entry.index.value) + " that is not on its disk");
  auto [at_index, is_new]
    = committed_.emplace(entry.index.value, identity(entry));
  committed_terms_.emplace(entry.index.value, entry.term.value);
  if (is_new)
    commands_committed_ += entry.kind == entry_kind::command;
  else if (at_index->second != identity(entry))
    wrong("node " + std::to_string(x.id) + " applied " + identity(entry)
          + " at index " + std::to_string(entry.index.value) + ", another one "
          + at_index->second);
}

void simulation::check_leader(node_state& x) {
  if (!x.up || !x.replica->leading())
    return;
  const auto term = x.replica->term();
  auto [known, is_new] = leaders_.emplace(term.value, x.id);
  if (known->second != x.id)
    wrong("term " + std::to_string(term.value) + " has two leaders");
  const auto barrier = x.replica->barrier_index();
  if (barrier.value == 0)
    wrong("a leader without a barrier");
  if (x.applied < barrier || x.barrier_checked_in == term.value)
    return;
  x.barrier_checked_in = term.value;
  for (auto [index, entry_term] : committed_terms_)
    if (entry_term < term.value && index > x.applied.value)
      wrong("a leader may decide without entry " + std::to_string(index)
            + " of an earlier term");
}

void simulation::wrong(const std::string& what) {
  violations.push_back("seed " + std::to_string(opts_.seed) + ", "
                       + std::to_string(now_ / 1000) + " ms: " + what);
}

} // namespace callboard::test
