#include "storage/coding.hpp"
#include "storage/cursor.hpp"
#include "storage/entry.hpp"
#include "storage/json_writer.hpp"
#include "storage/run_events.hpp"
#include "storage/state_keys.hpp"
#include "storage/state_queries.hpp"
#include "storage/state_reads.hpp"

namespace callboard::queries {

namespace {

constexpr char cursor_kind = 'P';

std::string cursor_at(event_seq seq) {
  std::string place;
  coding::put_big_endian(place, seq.value);
  return encode_cursor(cursor_kind, place);
}

/// The number of the last item of the page before; 0 for the first page.
result<event_seq> start_of(const std::string& cursor) {
  event_seq out;
  if (cursor.empty())
    return out;
  auto place = decode_cursor(cursor_kind, cursor);
  if (!place)
    return tl::unexpected{place.error()};
  coding::reader in{*place};
  if (!in.big_endian(out.value) || !in.done() || out.value == UINT64_MAX)
    return bad_cursor();
  return out;
}

result<std::string> timeline_page(const state_view& at,
                                  const query::run_page& q, shard_id shard,
                                  event_seq after) {
  auto room = keys::ref(q.room);
  run_events scan{at, shard, room, q.run.value, timeline_events};
  std::string out = "{\"items\":[";
  rocksdb::PinnableSlice value;
  std::size_t count = 0;
  event_seq last;
  for (scan.start_after(after); scan.valid(); scan.advance()) {
    if (count == q.limit || out.size() >= max_page_bytes)
      break;
    last = scan.seq();
    auto found = at.get(family::events, keys::event(shard, room, last), value);
    if (!found)
      return tl::unexpected{found.error()};
    auto event = decode_record(view(value));
    if (!event)
      return tl::unexpected{event.error()};
    if (count++ > 0)
      out.push_back(',');
    append_event(out, last, event->body);
  }
  if (auto done = scan.check(); !done)
    return tl::unexpected{done.error()};
  end_page(out, scan.valid() ? cursor_at(last) : std::string{});
  return out;
}

result<std::string> artifact_page(const state_view& at,
                                  const query::run_page& q, shard_id shard,
                                  event_seq after) {
  key_scan scan{at, family::rows,
                keys::run_rows(shard, keys::ref(q.room), q.run.value,
                               keys::run_part::artifact_place)};
  std::string first;
  coding::put_big_endian(first, next(after).value);
  std::string out = "{\"items\":[";
  std::size_t count = 0;
  event_seq last;
  for (scan.seek(first); scan.valid(); scan.next()) {
    if (count == q.limit || out.size() >= max_page_bytes)
      break;
    last = keys::trailing_seq(scan.suffix());
    if (count++ > 0)
      out.push_back(',');
    out.append(scan.value());
  }
  if (auto done = scan.check(); !done)
    return tl::unexpected{done.error()};
  end_page(out, scan.valid() ? cursor_at(last) : std::string{});
  return out;
}

} // namespace

result<std::string> run_page(const state_view& at, const query::run_page& q,
                             shard_id shard) {
  if (auto known = check_run(at, shard, keys::ref(q.room), q.run.value); !known)
    return tl::unexpected{known.error()};
  if (q.part == query::run_part::logs)
    return run_log(at, q, shard);
  auto after = start_of(q.cursor);
  if (!after)
    return tl::unexpected{after.error()};
  return q.part == query::run_part::artifacts
           ? artifact_page(at, q, shard, *after)
           : timeline_page(at, q, shard, *after);
}

result<std::string> room_events(const state_view& at,
                                const query::room_events& q, shard_id shard) {
  history_request request{q.room, q.since, q.run, q.types, 64u << 10};
  std::string out = "{\"items\":[";
  std::size_t count = 0;
  // Chunks, because only some events may pass the filter; at most so many that
  // a page is bounded in time as well.
  for (int chunks = 0; chunks < 64; ++chunks) {
    auto chunk = reads::history(at, shard, request);
    if (!chunk)
      return tl::unexpected{chunk.error()};
    request.after = chunk->through;
    for (auto& event : chunk->events) {
      if (count == q.limit || out.size() >= max_page_bytes) {
        // The first that is left out is somewhere behind the last that is in.
        end_page(out, std::to_string(event.seq.value - 1));
        return out;
      }
      if (count++ > 0)
        out.push_back(',');
      out.append(*event.frame);
    }
    if (chunk->through >= chunk->head) {
      end_page(out, {});
      return out;
    }
  }
  end_page(out, std::to_string(request.after.value));
  return out;
}

} // namespace callboard::queries
