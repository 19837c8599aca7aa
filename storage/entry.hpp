#pragma once

#include "actors/model/event_record.hpp"
#include "actors/model/ids.hpp"
#include "actors/model/problem.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace callboard {

/// Builds the payload of one Raft log entry: numbered events of one or more
/// rooms, in order, and trims of old events. docs/file-formats.md has the
/// grammar.
class entry_writer {
public:
  entry_writer();

  /// Adds an event. `epoch` names the room's history: used when this is the
  /// room's first event, ignored later.
  void add(const room_key& room, event_seq seq, std::uint64_t epoch,
           const event_record& record);

  /// Forgets the room's events up to and including `upto` (retention).
  void trim(const room_key& room, event_seq upto);

  bool empty() const noexcept {
    return count_ == 0;
  }
  std::size_t count() const noexcept {
    return count_;
  }
  std::size_t bytes() const noexcept {
    return out_.size();
  }

  /// The payload; the writer is empty afterwards.
  std::string take();

private:
  std::string out_;
  std::size_t count_ = 0;
  room_key last_room_;
};

/// The payload of an entry of the directory's group (directory_shard): this
/// cluster map, encoded, takes the place of the one before. Programs from
/// before clusters refuse it as malformed or of a newer program.
std::string map_entry(std::string_view map_bytes);

/// Whether map_entry() made the payload. Its first byte says so.
bool is_map_entry(std::string_view payload) noexcept;

/// One operation of an entry. The views point into the payload.
struct entry_item {
  enum class what : std::uint8_t { event = 1, trim = 2, map = 3 };
  what op = what::event;
  std::string_view tenant;
  std::string_view project;
  event_seq seq; ///< trim: upto
  std::uint64_t epoch = 0;
  /// event: encoded event_record; see decode_record(). map: the encoded map;
  /// no other member has a value then.
  std::string_view record;
};

/// Walks a payload. Usage: `for (entry_reader r{payload}; r.next(item);)`, then
/// look at ok().
class entry_reader {
public:
  explicit entry_reader(std::string_view payload) noexcept;
  bool next(entry_item& out) noexcept;
  bool ok() const noexcept {
    return ok_;
  }

private:
  std::string_view rest_;
  std::string_view tenant_;
  std::string_view project_;
  bool map_ = false; ///< The rest is a map.
  bool ok_ = true;
};

/// A stored event without copies. The views point into the encoded bytes.
struct record_view {
  event_type type = event_type::custom;
  event_scope scope = event_scope::project;
  timeline_kind timeline = timeline_kind::none;
  std::string_view id, run, step, definition, tail, type_name, body;
  std::string_view facts; ///< See event_record; empty in records of format 1.
  std::int64_t ts_ms = 0;
  dispatch_mark mark = dispatch_mark::none;
  std::string_view mark_text; ///< See dispatch_note.
};

void encode_record(std::string& out, const event_record& record);
result<record_view> decode_record(std::string_view bytes);

} // namespace callboard
