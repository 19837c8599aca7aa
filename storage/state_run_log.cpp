#include "actors/model/monitor_story.hpp"
#include "storage/coding.hpp"
#include "storage/cursor.hpp"
#include "storage/entry.hpp"
#include "storage/run_events.hpp"
#include "storage/state_queries.hpp"
#include "storage/state_reads.hpp"

#include <algorithm>

// The execution log of a run (contract 4): the entries that its events mean.

namespace callboard::queries {

namespace {

constexpr char cursor_kind = 'G';

/// A filter that lets little through must not read for ever: a page ends after
/// so many events, and its cursor goes on from there.
constexpr std::size_t max_events_read = 10'000;

/// Behind an entry: its event, and how many of that event's come before.
struct place {
  event_seq seq;
  std::uint8_t skip = 0;
};

std::string cursor_at(const place& x) {
  std::string out;
  coding::put_big_endian(out, x.seq.value);
  out.push_back(static_cast<char>(x.skip));
  return encode_cursor(cursor_kind, out);
}

result<place> start_of(const std::string& cursor) {
  place out;
  if (cursor.empty())
    return out;
  auto text = decode_cursor(cursor_kind, cursor);
  if (!text)
    return tl::unexpected{text.error()};
  coding::reader in{*text};
  if (!in.big_endian(out.seq.value) || !in.byte(out.skip) || !in.done()
      || out.seq.value == 0 || out.seq.value == UINT64_MAX)
    return bad_cursor();
  return out;
}

/// Whether the event's entries could be wanted at all.
bool may_matter(const record_view& event, const query::run_page& q) {
  if (q.since_ms && event.ts_ms < *q.since_ms)
    return false;
  if (event.type == event_type::timeline_created)
    return event.timeline == timeline_kind::log
           || event.timeline == timeline_kind::counter;
  return monitor_may_tell(event.type_name);
}

/// Fills one page.
class log_page {
public:
  log_page(const query::run_page& q, const place& from) : q_{q}, at_{from} {
    // nop
  }

  bool full() const noexcept {
    return count_ == q_.limit || out_.size() >= max_page_bytes
           || read_ == max_events_read;
  }

  /// False: the page is full before the event's last entry.
  bool add(event_seq seq, const record_view& event) {
    ++read_;
    auto skip = seq == at_.seq ? at_.skip : std::uint8_t{0};
    at_ = {seq, 0};
    if (!may_matter(event, q_))
      return true;
    auto posted = reads::posted(seq, event);
    told_event told{posted};
    messages_.clear();
    tell_monitor(told, messages_);
    for (auto& message : messages_) {
      ++at_.skip;
      if (at_.skip <= skip || !wanted(message))
        continue;
      out_.append(count_++ > 0 ? "," : "")
        .append(log_entry(message, told, q_.room.tenant));
      if (full() && at_.skip < messages_.size())
        return false;
    }
    return true;
  }

  std::string take(bool more) {
    end_page(out_, more ? cursor_at(at_) : std::string{});
    return std::move(out_);
  }

private:
  bool wanted(const monitor_message& x) const {
    return q_.levels.empty()
           || std::ranges::any_of(q_.levels, [&](auto& level) {
                return json::quoted(level) == x.level;
              });
  }

  const query::run_page& q_;
  place at_; ///< Of the last entry that was looked at.
  std::vector<monitor_message> messages_;
  std::string out_ = "{\"items\":[";
  std::size_t count_ = 0;
  std::size_t read_ = 0;
};

} // namespace

result<std::string> run_log(const state_view& at, const query::run_page& q,
                            shard_id shard) {
  auto from = start_of(q.cursor);
  if (!from)
    return tl::unexpected{from.error()};
  auto room = keys::ref(q.room);
  run_events scan{at, shard, room, q.run.value, all_events};
  log_page page{q, *from};
  rocksdb::PinnableSlice value;
  auto after = event_seq{std::max<std::uint64_t>(from->seq.value, 1) - 1};
  for (scan.start_after(after); scan.valid() && !page.full(); scan.advance()) {
    auto found
      = at.get(family::events, keys::event(shard, room, scan.seq()), value);
    if (!found)
      return tl::unexpected{found.error()};
    auto event = decode_record(view(value));
    if (!event)
      return tl::unexpected{event.error()};
    if (!page.add(scan.seq(), *event))
      break; // before the scan goes on: there is more
  }
  if (auto done = scan.check(); !done)
    return tl::unexpected{done.error()};
  return page.take(scan.valid());
}

} // namespace callboard::queries
