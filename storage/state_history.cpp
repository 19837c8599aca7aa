#include "storage/coding.hpp"
#include "storage/entry.hpp"
#include "storage/run_events.hpp"
#include "storage/state_reads.hpp"

#include <algorithm>
#include <functional>

namespace callboard::reads {

namespace {

/// A filter that lets little through must not read for ever: a chunk ends after
/// this many times the bytes that were asked for.
constexpr std::size_t scan_factor = 8;

/// Without a read of the event itself.
constexpr std::size_t index_key_bytes = 64;

bool matches(const std::vector<std::string>& types, std::string_view type) {
  return types.empty() || std::ranges::any_of(types, [&](auto& pattern) {
           return type_matches(pattern, type);
         });
}

} // namespace

posted_event posted(event_seq seq, const record_view& event) {
  posted_event out;
  out.seq = seq;
  out.run.value = event.run;
  out.step.value = event.step;
  auto frame = std::make_shared<std::string>(frame_text(seq, event.tail));
  auto begin
    = frame->size() - event.tail.size()
      + static_cast<std::size_t>(event.type_name.data() - event.tail.data());
  out.type_name
    = std::string_view{*frame}.substr(begin, event.type_name.size());
  out.frame = std::move(frame);
  out.facts = shared_facts(event.facts);
  return out;
}

namespace {

/// Fills a chunk event by event until its budget is spent.
class collector {
public:
  collector(const history_request& request, history_chunk& out)
      : request_{request}, out_{out} {
    // nop
  }

  bool full() const noexcept {
    return taken_ >= request_.max_bytes
           || seen_ / scan_factor
                >= std::max<std::size_t>(request_.max_bytes, 1);
  }

  result<void> add(event_seq seq, std::string_view bytes) {
    auto event = decode_record(bytes);
    if (!event)
      return tl::unexpected{event.error()};
    seen_ += bytes.size() + index_key_bytes;
    out_.through = seq;
    if (!matches(request_.types, event->type_name))
      return {};
    out_.events.push_back(posted(seq, *event));
    taken_ += bytes.size();
    return {};
  }

private:
  const history_request& request_;
  history_chunk& out_;
  std::size_t taken_ = 0;
  std::size_t seen_ = 0;
};

tl::unexpected<problem> missing(event_seq seq) {
  return fail(errc::internal, "event " + std::to_string(seq.value)
                                + " is missing from the history; the store is "
                                  "damaged");
}

result<void> collect_room(const state_view& at, shard_id shard,
                          const history_request& request, event_seq after,
                          history_chunk& out) {
  collector into{request, out};
  key_scan scan{at, family::events,
                keys::events(shard, keys::ref(request.room))};
  std::string first;
  coding::put_big_endian(first, next(after).value);
  auto expected = next(after);
  for (scan.seek(first); scan.valid() && !into.full(); scan.next()) {
    auto seq = keys::trailing_seq(scan.suffix());
    if (seq != expected)
      return missing(expected);
    expected = next(expected);
    if (auto added = into.add(seq, scan.value()); !added)
      return added;
  }
  if (auto done = scan.check(); !done)
    return done;
  if (!scan.valid() && expected <= out.head)
    return missing(expected);
  return {};
}

result<void> collect_run(const state_view& at, shard_id shard,
                         const history_request& request, event_seq after,
                         history_chunk& out) {
  collector into{request, out};
  auto room = keys::ref(request.room);
  run_events scan{at, shard, room, request.run->value, all_events};
  rocksdb::PinnableSlice value;
  for (scan.start_after(after); scan.valid() && !into.full(); scan.advance()) {
    auto found
      = at.get(family::events, keys::event(shard, room, scan.seq()), value);
    if (!found)
      return tl::unexpected{found.error()};
    if (!*found)
      return missing(scan.seq());
    if (auto added = into.add(scan.seq(), view(value)); !added)
      return added;
  }
  if (!scan.valid())
    out.through = out.head; // nothing else up to there
  return scan.check();
}

} // namespace

result<history_chunk> history(const state_view& at, shard_id shard,
                              const history_request& request) {
  auto found = room(at, shard, keys::ref(request.room));
  if (!found)
    return tl::unexpected{found.error()};
  auto row = found->value_or(rows::room{});
  history_chunk out;
  out.head = row.head;
  out.oldest = row.oldest;
  // What was trimmed cannot be given; the caller sees it by `oldest`.
  auto after = std::max(request.after, event_seq{row.oldest.value - 1});
  out.through = after;
  if (after >= row.head)
    return out;
  auto done = request.run ? collect_run(at, shard, request, after, out)
                          : collect_room(at, shard, request, after, out);
  if (!done)
    return tl::unexpected{done.error()};
  return out;
}

} // namespace callboard::reads
