#pragma once

#include "actors/model/ids.hpp"
#include "actors/model/problem.hpp"
#include "actors/model/run_machine.hpp"
#include "actors/model/states.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Values of the column family `rows`. docs/file-formats.md has the grammar.
/// Decoders refuse whatever an encoder cannot have written, with
/// errc::internal.
namespace callboard::rows {

/// Field values above this many bytes live under a key of their own.
constexpr std::size_t max_inline_bytes = 4096;

/// Stands in a field_map for a value that lives under its own key. No JSON.
constexpr std::string_view large_marker{"\x01", 1};

struct room {
  event_seq head;
  event_seq oldest{1};
  std::uint64_t epoch = 0;
  std::int64_t created_ms = 0;
};

/// The fields of a run, step or definition, as stored: values above
/// max_inline_bytes are large_marker.
struct run {
  run_status status = run_status::pending;
  /// Its place in lists: of creation, never changed later.
  std::int64_t created_ms = 0;
  /// Of runs for workers only. Its created_ms is the run's.
  std::optional<dispatch_state> dispatch;
  field_map fields;
};

/// Whether the run waits in its queue; whether a worker holds its lease.
bool is_queued(const run& x) noexcept;
bool is_leased(const run& x) noexcept;

/// What grows with nearly every event of a run, apart from the fields.
struct tally {
  std::uint64_t steps = 0;
  std::uint64_t events = 0; ///< Of the timeline.
  std::uint64_t artifacts = 0;
  // Of the run's story (event_facts.hpp), which goes on with its next event.
  std::uint64_t phases = 0;
  bool begun = false;
  bool ran = false;
  std::string failed_step;
};

struct step {
  std::uint64_t place = 0; ///< In order of first appearance, from 0.
  bool open = false;       ///< See step_story.
  field_map fields;
};

std::string encode(const room& x);
std::string encode(const run& x);
std::string encode(const tally& x);
std::string encode(const step& x);
std::string encode(const field_map& x);
std::string encode_number(std::uint64_t x);

result<room> decode_room(std::string_view bytes);
result<run> decode_run(std::string_view bytes);
result<tally> decode_tally(std::string_view bytes);
result<step> decode_step(std::string_view bytes);
result<field_map> decode_fields(std::string_view bytes);
result<std::uint64_t> decode_number(std::string_view bytes);

/// What a run or step has before the event that first names it.
field_map first_fields(std::int64_t ts_ms);

/// The definition by which a run is listed; "" for none (or no valid id).
std::string listed_definition(const field_map& fields);

/// Keys of the fields whose values live elsewhere.
std::vector<std::string> large_fields(const field_map& fields);

/// The value of a field, or nullptr where it is unset or cleared.
const std::string* set_field(const field_map& fields, std::string_view key);

/// The content of a raw JSON string; nullopt for anything else.
std::optional<std::string> unquoted(std::string_view raw);

/// What `unquoted` gives for a field; "" where it is no string or unset.
std::string text_field(const field_map& fields, std::string_view key);

} // namespace callboard::rows
