#include "storage/coding.hpp"
#include "storage/run_events.hpp"
#include "storage/state_fold.hpp"

#include <algorithm>

namespace callboard {

namespace {

/// A range tombstone costs every later reader a little, single ones only those
/// that pass by.
constexpr std::uint64_t erase_as_range_from = 256;

} // namespace

result<void> state_fold::trim(room_work& room, event_seq upto) {
  upto = std::min(upto, room.row.head);
  auto from = room.row.oldest;
  if (upto < from)
    return {};
  put_events(room); // erased below
  state_view stored{db_};
  std::vector<run_work*> touched;
  if (auto done = trim_stored(room, stored, upto, touched); !done)
    return done;
  trim_fresh(room, upto, touched);
  auto* events = db_.handle(family::events);
  if (upto.value - from.value >= erase_as_range_from)
    batch_.DeleteRange(events, slice(keys::event(shard_, room.ref(), from)),
                       slice(keys::event(shard_, room.ref(), next(upto))));
  else
    for (auto seq = from; seq <= upto; seq = next(seq))
      erase(family::events, keys::event(shard_, room.ref(), seq));
  room.row.oldest = next(upto);
  room.dirty = true;
  std::ranges::sort(touched);
  touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
  for (auto* run : touched)
    if (auto done = forget_ids(room, stored, *run, upto); !done)
      return done;
  return {};
}

result<void> state_fold::trim_stored(room_work& room, const state_view& stored,
                                     event_seq upto,
                                     std::vector<run_work*>& touched) {
  key_scan scan{stored, family::events, room.event_prefix};
  std::string first;
  coding::put_big_endian(first, room.row.oldest.value);
  for (scan.seek(first); scan.valid(); scan.next()) {
    auto seq = keys::trailing_seq(scan.suffix());
    if (seq > upto)
      break;
    auto event = decode_record(scan.value());
    if (!event)
      return tl::unexpected{event.error()};
    run_work* run = nullptr;
    if (!event->run.empty()) {
      auto found = find_run(room, event->run);
      if (!found)
        return tl::unexpected{found.error()};
      run = *found;
      if (run != nullptr && (touched.empty() || touched.back() != run))
        touched.push_back(run);
    }
    forget_event(room, run, class_of(*event), seq, event->id);
  }
  return scan.check();
}

void state_fold::trim_fresh(room_work& room, event_seq upto,
                            std::vector<run_work*>& touched) {
  for (auto& event : room.fresh) {
    if (event.seq < room.row.oldest || event.seq > upto)
      continue;
    if (event.run != nullptr)
      touched.push_back(event.run);
    forget_event(room, event.run, event.kind, event.seq, event.id);
  }
}

void state_fold::forget_event(room_work& room, run_work* run,
                              keys::event_class kind, event_seq seq,
                              std::string_view id) {
  if (run == nullptr) {
    erase(family::index, room.id_prefix + std::string{id});
    return;
  }
  key_.assign(run->event_prefix).push_back(static_cast<char>(kind));
  coding::put_big_endian(key_, seq.value);
  erase(family::index, key_);
}

/// The ids of a run's events are kept, trimmed or not, as long as the run lives
/// or any of its events is kept: duplicates are found as long as they may come.
result<void> state_fold::forget_ids(room_work& room, const state_view& stored,
                                    run_work& run, event_seq upto) {
  if (auto loaded = load_header(room, run); !loaded)
    return loaded;
  if (!is_ended(run.row->status) || run.last > upto)
    return {};
  for (auto kind : all_events) {
    key_scan left{stored, family::index,
                  run.event_prefix + static_cast<char>(kind)};
    left.seek_last();
    if (left.valid() && keys::trailing_seq(left.suffix()) > upto)
      return {};
    if (auto done = left.check(); !done)
      return done;
  }
  key_scan ids{stored, family::index, run.id_prefix};
  for (ids.seek_first(); ids.valid(); ids.next())
    erase(family::index, run.id_prefix + std::string{ids.suffix()});
  for (auto& event : room.fresh)
    if (event.run == &run)
      erase(family::index, run.id_prefix + std::string{event.id});
  return ids.check();
}

} // namespace callboard
