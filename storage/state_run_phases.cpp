#include "actors/model/event_facts.hpp"
#include "storage/entry.hpp"
#include "storage/json_writer.hpp"
#include "storage/run_events.hpp"
#include "storage/state_queries.hpp"
#include "storage/state_reads.hpp"

// Where a run's phase events (contract 5) stand in its room.

namespace callboard::queries {

namespace {

constexpr keys::event_class state_events[] = {keys::event_class::state};

result<std::uint64_t> last_phase(const state_view& at, shard_id shard,
                                 const query::run_phases& q) {
  rocksdb::PinnableSlice value;
  auto key = keys::run_rows(shard, keys::ref(q.room), q.run.value,
                            keys::run_part::tally);
  auto found = at.get(family::rows, key, value);
  if (!found)
    return tl::unexpected{found.error()};
  auto tally = rows::decode_tally(view(value));
  if (!tally)
    return tl::unexpected{tally.error()};
  return tally->phases;
}

/// The event with the last phase up to `upto`. A client that comes back has
/// missed little: looks from the end.
result<event_seq> find_phase(const state_view& at, shard_id shard,
                             const query::run_phases& q, std::uint64_t upto) {
  auto room = keys::ref(q.room);
  run_events scan{at, shard, room, q.run.value, state_events};
  rocksdb::PinnableSlice value;
  json::document scratch;
  for (scan.start_at_end(); scan.valid(); scan.advance()) {
    auto found
      = at.get(family::events, keys::event(shard, room, scan.seq()), value);
    if (!found)
      return tl::unexpected{found.error()};
    auto event = decode_record(view(value));
    if (!event)
      return tl::unexpected{event.error()};
    auto phase = read_marks(event->facts, scratch).phase;
    if (phase != 0 && phase <= upto)
      return scan.seq();
  }
  if (auto done = scan.check(); !done)
    return tl::unexpected{done.error()};
  return event_seq{};
}

} // namespace

result<std::string> run_phases(const state_view& at, const query::run_phases& q,
                               shard_id shard) {
  auto room_ref = keys::ref(q.room);
  if (auto known = check_run(at, shard, room_ref, q.run.value); !known)
    return tl::unexpected{known.error()};
  auto last = last_phase(at, shard, q);
  if (!last)
    return tl::unexpected{last.error()};
  auto room = reads::room(at, shard, room_ref);
  if (!room)
    return tl::unexpected{room.error()};
  auto head = *room ? (*room)->head : event_seq{};
  auto since = head;
  if (q.after && *q.after < *last) {
    since = {};
    if (*q.after > 0) {
      auto found = find_phase(at, shard, q, *q.after);
      if (!found)
        return tl::unexpected{found.error()};
      since = *found;
    }
  }
  std::string out = "{";
  json_writer members{out};
  members.number("last_seq", *last);
  members.number("since", since.value);
  members.number("room_seq", head.value);
  out.push_back('}');
  return out;
}

} // namespace callboard::queries
