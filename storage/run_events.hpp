#pragma once

#include "storage/state_db.hpp"
#include "storage/state_keys.hpp"

#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace callboard {

constexpr keys::event_class timeline_events[]
  = {keys::event_class::log, keys::event_class::timeline};
constexpr keys::event_class all_events[]
  = {keys::event_class::state, keys::event_class::log,
     keys::event_class::timeline};

/// Numbers of a run's events, in order, of the classes that are asked for. Each
/// class is a range of its own in the index; this merges them.
class run_events {
public:
  run_events(const state_view& at, shard_id shard, keys::room_ref room,
             std::string_view run, std::span<const keys::event_class> kinds);

  /// The first number after `after`, going up from there.
  void start_after(event_seq after);
  /// The last number, going down from there.
  void start_at_end();

  bool valid() const noexcept {
    return current_ != nullptr;
  }
  event_seq seq() const noexcept {
    return seq_;
  }
  void advance();

  result<void> check() const;

private:
  void choose();

  std::vector<std::unique_ptr<key_scan>> scans_;
  bool upwards_ = true;
  key_scan* current_ = nullptr; // the one that is at seq_
  event_seq seq_;
};

} // namespace callboard
