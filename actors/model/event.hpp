#pragma once

#include "actors/model/ids.hpp"
#include "actors/model/json.hpp"
#include "actors/model/problem.hpp"
#include "actors/model/shared_bytes.hpp"
#include "actors/model/states.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace callboard {

/// The canonical events of contract 1. The numbers are stored.
enum class event_type : std::uint8_t {
  run_updated = 1,        ///< workflow:execution:updated
  step_updated = 2,       ///< workflow:execution:step:updated
  timeline_created = 3,   ///< workflow:execution:event:created
  artifact_created = 4,   ///< workflow:execution:artifact:created
  step_stream = 5,        ///< workflow:execution:step:stream (always ephemeral)
  definition_updated = 6, ///< workflow:definition:updated
  custom = 7,             ///< any other type outside `workflow:`
};

/// What a timeline event says it is. The numbers are stored.
enum class timeline_kind : std::uint8_t {
  none = 0, ///< Not a timeline event.
  log = 1,
  counter = 2,
  other = 3, ///< annotation, phase_completed, input_response, command, …
};

enum class event_scope : std::uint8_t { project, tenant };
enum class event_delivery : std::uint8_t { durable, ephemeral };

/// One event as a producer sent it: checked in itself, not yet against the
/// state of its run. The views point into `source`.
struct event_draft {
  event_type type = event_type::custom;
  event_scope scope = event_scope::project;
  event_delivery delivery = event_delivery::durable;
  timeline_kind timeline = timeline_kind::none;

  event_id id;              ///< As sent, or a new UUIDv7.
  bool id_given = false;    ///< Whether the producer chose the id.
  run_id run;               ///< Empty for definitions and custom events.
  step_id step;             ///< Of steps and streams only.
  definition_id definition; ///< Of definition_updated only.

  shared_bytes source;        ///< Keeps the views below alive.
  std::string_view type_name; ///< As sent, such as "kb:document:completed".
  std::string_view ts; ///< As sent (ISO 8601); empty: the engine's clock.
  /// The raw `data`: an object; of custom events any value, or empty (none).
  std::string_view data;
  /// The raw object that says what changed, inside `data` and pointing into it:
  /// `changes`, `event` or `artifact` by type; for definitions `changes`; else
  /// empty.
  std::string_view body;

  // What the state machines need of `body`, so that they need not parse it.
  std::optional<run_status> run_status_to;   ///< changes.status of a run.
  std::optional<step_status> step_status_to; ///< changes.status of a step.
  bool has_created_at = false; ///< Sent, be it null; likewise below.
  bool has_started_at = false;
  bool has_completed_at = false;
  bool clears_started_at = false; ///< Sent as null.
  bool clears_completed_at = false;
  std::string_view input_request; ///< changes.input_request of a step, raw.
  bool has_project_id = false;    ///< data.project_id was sent.
  bool has_body_id = false;       ///< `event` or `artifact` has an `id`.

  /// Bytes that this draft occupies while it waits (source share included).
  std::size_t cost() const noexcept {
    return data.size() + type_name.size() + 256;
  }
};

struct event_limits {
  std::size_t max_event_bytes = 1u << 20; ///< One event, as sent.
  std::size_t max_type_bytes = 128;
  json::limits json;
};

/// Checks one event object. `source` holds the text that `object` was parsed
/// from; `project` is the project of the call (path or frame): an event may
/// leave `data.project_id` out, but not name another one.
/// Pointers in problems are relative to the event (such as
/// "/data/changes/status"). Members that it does not know at the top, `room`
/// and `seq` among them, are left aside: a viewer may publish what it received.
/// Types outside `workflow:` are two or more parts of `a-z 0-9 . _ -`, joined
/// by colons. Every type may be sent as ephemeral: it is then passed on live
/// and changes no state. `scope` "tenant" is for custom events only.
result<event_draft> parse_event(json::value object, const shared_bytes& source,
                                const project_id& project,
                                const event_limits& limits);

/// Whether `type` matches `pattern`: equal, or the pattern ends in `*` and the
/// part before it is a prefix.
bool type_matches(std::string_view pattern, std::string_view type) noexcept;

/// A new UUIDv7 (RFC 9562) from the clock and a random generator of the calling
/// thread; increasing within a thread.
std::string new_uuid7();

/// For simulations, while nobody makes any: `make` makes them from now on; null:
/// the clock and chance again.
void use_uuid7(std::string (*make)()) noexcept;

/// Milliseconds since the Unix epoch as ISO 8601 UTC with milliseconds.
std::string iso8601(std::int64_t unix_ms);

/// The time that `text` names, in ms since the Unix epoch; accepts RFC 3339
/// with `Z` or an offset, and any number of fraction digits (cut to
/// milliseconds).
std::optional<std::int64_t> parse_iso8601(std::string_view text) noexcept;

} // namespace callboard
