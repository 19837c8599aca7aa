#include "storage/raft/log_cache.hpp"

#include <cassert>

namespace callboard {

void log_cache::restore(restored_log& found) {
  configurations_.clear();
  entries_.clear();
  base_ = found.entries.empty()
            ? found.snapshot_index
            : log_index{found.entries.front().index.value - 1};
  base_term_ = base_ == found.snapshot_index ? found.snapshot_term
                                             : found.term_before_entries;
  if (found.configuration_index.value != 0)
    configurations_.push_back({found.configuration_index, found.configuration});
  for (auto& entry : found.entries)
    append(std::move(entry));
  found.entries.clear();
}

void log_cache::reset(const state_descriptor& state) {
  entries_.clear();
  base_ = state.index;
  base_term_ = state.term;
  configurations_.assign(1, {state.configuration_index, state.configuration});
}

void log_cache::append(log_entry entry) {
  assert(entry.index == next(last()));
  if (entry.kind == entry_kind::change
      && (configurations_.empty()
          || configurations_.back().index < entry.index))
    configurations_.push_back({entry.index, std::string{entry.payload}});
  entries_.push_back(std::move(entry));
}

void log_cache::truncate(log_index from) {
  assert(from > base_);
  while (last() >= from)
    entries_.pop_back();
  while (configurations_.size() > 1 && configurations_.back().index >= from)
    configurations_.pop_back();
}

void log_cache::trim(log_index upto) {
  assert(upto <= last());
  if (upto <= base_)
    return;
  base_term_ = at(upto).term;
  while (base_ < upto) {
    entries_.pop_front();
    base_ = next(base_);
  }
  while (configurations_.size() > 1 && configurations_[1].index <= base_)
    configurations_.erase(configurations_.begin());
}

const log_entry& log_cache::at(log_index index) const {
  assert(holds(index));
  return entries_[static_cast<std::size_t>(index.value - base_.value - 1)];
}

bool log_cache::holds(log_index index) const noexcept {
  return index > base_ && index <= last();
}

raft_term log_cache::term_at(log_index index) const noexcept {
  if (index == base_)
    return base_term_;
  return holds(index) ? at(index).term : raft_term{};
}

std::pair<log_index, std::string>
log_cache::configuration_at(log_index index) const {
  const configuration* result = nullptr;
  for (const auto& x : configurations_)
    if (result == nullptr || x.index <= index)
      result = &x;
  if (result == nullptr)
    return {};
  return {result->index, result->payload};
}

} // namespace callboard
