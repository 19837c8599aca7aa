#include "tests/unit/raft/simulation.hpp"

#include <algorithm>

namespace callboard::test {

namespace {

/// Everything that must be the same on all replicas.
std::string identity(const log_entry& x) {
  return std::to_string(x.term.value) + '/'
         + std::to_string(static_cast<int>(x.kind)) + '/'
         + std::string{x.payload};
}

std::string named(const simulated_node& x) {
  return "node " + std::to_string(x.id);
}

} // namespace

/// Log matching, by induction: the same index and term, the same entry, and the
/// same term before it.
void simulation::check_written(const simulated_node& x,
                               const log_entry& entry) {
  const auto before = x.disk.term_at({entry.index.value - 1});
  auto [known, is_new] = written_.try_emplace(
    {entry.index.value, entry.term.value}, identity(entry), before);
  if (known->second.identity != identity(entry))
    wrong(named(x) + " wrote " + identity(entry) + " at index "
          + std::to_string(entry.index.value) + ", another one "
          + known->second.identity);
  if (!is_new && before.value != 0 && known->second.term_before.value != 0
      && known->second.term_before != before)
    wrong("logs differ before index " + std::to_string(entry.index.value));
}

void simulation::check_applied(simulated_node& x, const log_entry& entry) {
  if (entry.index != next(x.applied))
    wrong(named(x) + " applied " + std::to_string(entry.index.value) + " after "
          + std::to_string(x.applied.value));
  x.applied = entry.index;
  // A state that is ahead of its log could not be started from.
  if (!x.disk.log.contains(entry.index.value))
    wrong(named(x) + " applied entry " + std::to_string(entry.index.value)
          + " that is not on its disk");
  auto [known, is_new] = committed_.emplace(entry.index.value, identity(entry));
  if (is_new)
    commands_committed_ += entry.kind == entry_kind::command;
  else if (known->second != identity(entry))
    wrong(named(x) + " applied " + identity(entry) + " at index "
          + std::to_string(entry.index.value) + ", another one "
          + known->second);
}

/// What some replica takes for committed, of any kind, stays as it is.
void simulation::check_commit(simulated_node& x) {
  const auto commit = x.replica->commit_index();
  if (commit <= x.commit_seen)
    return;
  for (auto i = next(x.commit_seen); i <= commit; i = next(i)) {
    const auto term = x.replica->term_at(i);
    if (term.value == 0)
      continue; // covered by a state, or not here yet
    auto& known = commitments_.try_emplace(i.value, term, x.replica->term())
                    .first->second;
    known.committed_in = std::min(known.committed_in, x.replica->term());
    if (known.term != term)
      wrong(named(x) + " has an entry of term " + std::to_string(term.value)
            + " at index " + std::to_string(i.value) + ", where one of term "
            + std::to_string(known.term.value) + " was committed");
  }
  x.commit_seen = commit;
  if (x.replica->leading())
    check_majority(x);
}

/// Acknowledged is durable.
void simulation::check_majority(const simulated_node& x) {
  const auto commit = x.replica->commit_index();
  const auto term = x.replica->term_at(commit);
  std::size_t voters = 0;
  std::size_t holders = 0;
  for (const auto& member : x.replica->members()) {
    if (!member.voter)
      continue;
    ++voters;
    holders += at_node(member.node.value).disk.holds(commit, term);
  }
  if (term.value != 0 && holders <= voters / 2)
    wrong(named(x) + " acknowledges entry " + std::to_string(commit.value)
          + ", which is on " + std::to_string(holders) + " disks");
  acknowledged_ = std::max(acknowledged_, commit);
}

void simulation::check_leader(simulated_node& x) {
  if (!x.replica->leading())
    return;
  const auto term = x.replica->term();
  auto [known, is_new] = leaders_.emplace(term.value, x.id);
  if (known->second != x.id)
    wrong("term " + std::to_string(term.value) + " has two leaders");
  const auto barrier = x.replica->barrier_index();
  if (barrier.value == 0)
    wrong("a leader without a barrier");
  if (x.led_term != term.value) {
    x.led_term = term.value;
    check_completeness(x);
  }
  if (x.applied < barrier || x.barrier_checked_in == term.value)
    return;
  x.barrier_checked_in = term.value;
  for (auto& [index, entry] : commitments_)
    if (entry.committed_in < term && index > x.applied.value)
      wrong("a leader may decide without entry " + std::to_string(index)
            + " of an earlier term");
}

void simulation::check_completeness(const simulated_node& x) {
  for (auto& [index, entry] : commitments_) {
    const auto found = x.replica->term_at({index});
    // An entry of an old term may have been committed by a later leader than
    // this one, which got its votes late and cannot know.
    if (entry.committed_in >= x.replica->term()
        || index <= x.disk.trimmed.value)
      continue;
    if (found != entry.term)
      wrong(named(x) + " leads in term "
            + std::to_string(x.replica->term().value) + " without entry "
            + std::to_string(index) + " of term "
            + std::to_string(entry.term.value));
  }
}

void simulation::check_read(const simulated_node& x, log_index floor,
                            const read_outcome& outcome) {
  if (!outcome.current_at)
    return;
  ++reads_answered;
  if (*outcome.current_at < floor)
    wrong(named(x) + " answers a read as of "
          + std::to_string(outcome.current_at->value) + ", but "
          + std::to_string(floor.value) + " was acknowledged before");
}

void simulation::wrong(const std::string& what) {
  violations.push_back("seed " + std::to_string(opts_.seed) + ", "
                       + std::to_string(now_ / 1000) + " ms: " + what);
}

} // namespace callboard::test
