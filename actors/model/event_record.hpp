#pragma once

#include "actors/model/event.hpp"
#include "actors/model/ids.hpp"
#include "actors/model/lease.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace callboard {

/// One accepted event as it is replicated, stored and sent, all but its number.
/// It is its own proof: the state of runs, steps, definitions and artifacts is
/// the fold of these records in the order of their numbers.
struct event_record {
  event_type type = event_type::custom;
  event_scope scope = event_scope::project;
  timeline_kind timeline = timeline_kind::none;
  event_id id;
  run_id run;               ///< Empty for definitions and custom events.
  step_id step;             ///< Of steps only.
  definition_id definition; ///< Of definition_updated only.
  std::int64_t ts_ms = 0;   ///< The event's `ts` in ms since the Unix epoch.
  /// The frame without its beginning: `"type":"…","room":"…","id":"…","ts":"…",
  /// "data":{…}}`. `{"seq":N,` put in front makes the frame (frame_text()).
  std::string tail;
  std::uint32_t type_begin = 0; ///< The type's name (unquoted) in `tail`.
  std::uint32_t type_size = 0;
  std::uint32_t body_begin = 0; ///< changes/event/artifact in `tail`.
  std::uint32_t body_size = 0;  ///< 0: none.
  dispatch_note dispatch = {};  ///< Of the engine's own events only.
  /// What the run knew when this happened and `tail` does not say: a compact
  /// JSON object for other vocabularies and for the fold (event_facts.hpp).
  /// Empty for events that need none; of runs and steps at least "{}".
  std::string facts = {};

  std::string_view type_name() const noexcept {
    return std::string_view{tail}.substr(type_begin, type_size);
  }
  std::string_view body() const noexcept {
    return std::string_view{tail}.substr(body_begin, body_size);
  }

  friend bool operator==(const event_record&, const event_record&) = default;
};

/// What a viewer gets: `{"seq":N,` and the record's tail.
std::string frame_text(event_seq seq, std::string_view tail);

/// Encodes a draft. `added` is raw JSON members that the engine adds to the
/// body (such as `"started_at":"…"`), without surrounding commas; may be empty.
/// `now_ms` is used where the draft has no `ts`. Adds by itself what the
/// producer left out: `data.project_id`; in timeline events `id` (the event's)
/// and `created_at`, in artifacts `id` (a new UUIDv7) and `created_at`. `ts` is
/// written in UTC with milliseconds; everything else in `data` is copied byte
/// for byte.
event_record make_record(const event_draft& draft, const room_key& room,
                         std::int64_t now_ms, std::string_view added);

/// The time that a draft's event has: its own, else `now_ms`.
std::int64_t event_time(const event_draft& draft, std::int64_t now_ms) noexcept;

/// The frame of an ephemeral event: no `seq`, `"ephemeral":true`; `data` as in
/// make_record().
std::string ephemeral_frame(const event_draft& draft, const room_key& room,
                            std::int64_t now_ms);

/// The frame that gives a late joiner the text of a step's stream so far
/// (`data.chunk`); `"snapshot":true` stands in the frame and in `data`.
/// `escaped_text` is the inside of a JSON string, escapes and all.
std::string stream_snapshot_frame(const room_key& room, const run_id& run,
                                  const step_id& step,
                                  std::string_view escaped_text,
                                  std::int64_t now_ms);

/// Appends the inside of the `chunk` string of `data` (a step:stream's raw data
/// object) to `text` and keeps at most its last `max_bytes` bytes, cut between
/// characters and escapes. A chunk that is no string adds nothing.
void append_stream_chunk(std::string& text, std::string_view data,
                         std::size_t max_bytes);

} // namespace callboard
