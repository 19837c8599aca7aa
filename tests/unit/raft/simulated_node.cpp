#include "tests/unit/raft/simulated_node.hpp"

namespace callboard::test {

bool simulated_disk::holds(log_index index, raft_term term) const {
  if (index <= trimmed)
    return true;
  auto found = log.find(index.value);
  return found != log.end() && found->second.term == term;
}

raft_term simulated_disk::term_at(log_index index) const {
  if (index == trimmed)
    return trimmed_term;
  auto found = log.find(index.value);
  return found == log.end() ? raft_term{} : found->second.term;
}

restored_log simulated_disk::load() const {
  restored_log found;
  found.hard = hard;
  found.dropped = dropped;
  found.snapshot_index = flushed;
  found.snapshot_term = trimmed_term;
  found.term_before_entries = trimmed_term;
  if (flushed.value != 0) {
    found.configuration_index = trimmed_configuration.first;
    found.configuration = trimmed_configuration.second;
  }
  for (const auto& [index, entry] : log) {
    if (index <= flushed.value) {
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

void simulated_disk::wipe() {
  log.clear();
  trimmed = flushed = {};
  trimmed_term = {};
  trimmed_configuration = {};
}

void simulated_node::drop_replica(bool keep_end) {
  const auto end = replica->log_end();
  for (const auto* queue : {&in_progress, &pending})
    for (const auto& x : *queue)
      if (x.hard)
        disk.hard = *x.hard;
  lose_power(false);
  disk.wipe();
  if (keep_end)
    disk.dropped = end;
}

void simulated_node::persist(const write& x) {
  if (x.hard)
    disk.hard = *x.hard;
  if (x.erase_from)
    disk.log.erase(disk.log.lower_bound(x.erase_from->value), disk.log.end());
  for (const auto& entry : x.append)
    disk.log[entry.index.value] = entry;
  if (x.install) {
    disk.log.clear();
    disk.trimmed = disk.flushed = x.install->index;
    disk.trimmed_term = x.install->term;
    disk.trimmed_configuration
      = {x.install->configuration_index, x.install->configuration};
  }
}

void simulated_node::lose_power(bool keep_current) {
  // The batch that is being written is there as a whole or not at all.
  if (writing && keep_current)
    for (const auto& x : in_progress)
      persist(x);
  up = false;
  ++life;
  replica.reset();
  pending.clear();
  in_progress.clear();
  writing = false;
  reads.clear();
}

} // namespace callboard::test
