#include "storage/run_events.hpp"

#include "storage/coding.hpp"

#include <string>

namespace callboard {

run_events::run_events(const state_view& at, shard_id shard,
                       keys::room_ref room, std::string_view run,
                       std::span<const keys::event_class> kinds) {
  auto prefix = keys::of_run(shard, keys::index::run_events, room, run);
  for (auto kind : kinds)
    scans_.push_back(std::make_unique<key_scan>(
      at, family::index, prefix + static_cast<char>(kind)));
}

void run_events::start_after(event_seq after) {
  upwards_ = true;
  std::string first;
  coding::put_big_endian(first, next(after).value);
  for (auto& scan : scans_)
    scan->seek(first);
  choose();
}

void run_events::start_at_end() {
  upwards_ = false;
  for (auto& scan : scans_)
    scan->seek_last();
  choose();
}

void run_events::advance() {
  if (upwards_)
    current_->next();
  else
    current_->prev();
  choose();
}

result<void> run_events::check() const {
  for (auto& scan : scans_)
    if (auto done = scan->check(); !done)
      return done;
  return {};
}

void run_events::choose() {
  current_ = nullptr;
  for (auto& scan : scans_) {
    if (!scan->valid())
      continue;
    auto seq = keys::trailing_seq(scan->suffix());
    if (current_ == nullptr || (upwards_ ? seq < seq_ : seq > seq_)) {
      current_ = scan.get();
      seq_ = seq;
    }
  }
}

} // namespace callboard
