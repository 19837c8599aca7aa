#pragma once

#include "actors/model/event_record.hpp"
#include "actors/model/ids.hpp"
#include "actors/model/shared_bytes.hpp"
#include "actors/model/states.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// What can be asked of the engine's state. Each is answered from one
/// consistent view of the store. Page sizes are already checked and clamped by
/// the caller.
namespace callboard::query {

enum class order : std::uint8_t { newest_first, oldest_first };

/// GET …/runs: exactly nine members an item.
struct list_runs {
  room_key room;
  std::vector<run_status> statuses; ///< Empty: all.
  std::optional<definition_id> definition;
  order sort = order::newest_first;
  std::size_t limit = 50;
  std::string cursor; ///< Empty: first page.
};

/// GET …/runs/{r}: everything, with room_seq.
struct run_detail {
  room_key room;
  run_id run;
  std::size_t max_events = 1000;
  /// When the run's lease ends, if its shard knows one.
  std::optional<std::int64_t> lease_expires_ms = {};
};

enum class run_part : std::uint8_t { logs, events, artifacts };

/// GET …/runs/{r}/logs|events|artifacts, oldest first. The logs are those of
/// contract 4: an entry for each thing that it has words for.
struct run_page {
  room_key room;
  run_id run;
  run_part part = run_part::events;
  std::size_t limit = 50;
  std::string cursor;
  // Of logs only:
  std::vector<std::string> levels = {};      ///< Empty: all.
  std::optional<std::int64_t> since_ms = {}; ///< By the events' time.
};

/// GET …/definitions, by id.
struct list_definitions {
  room_key room;
  std::size_t limit = 50;
  std::string cursor;
};

struct definition {
  room_key room;
  definition_id id;
};

struct list_projects {
  tenant_id tenant;
  std::vector<project_id> only; ///< The token's `projects`; empty: all.
  std::size_t limit = 50;
  std::string cursor;
  /// The engine's: those of one shard, because other nodes lead the others.
  std::optional<shard_id> shard = {};
};

/// GET …/events: a page of the room's history as frames.
struct room_events {
  room_key room;
  event_seq since;
  std::vector<std::string> types; ///< Patterns; empty: all.
  std::optional<run_id> run;
  std::size_t limit = 50;
};

/// In which project a run lives (WebSocket rooms `execution:{id}` without a
/// project). Answered with the project's id as JSON string; not_found if none
/// or if several have it.
struct find_run {
  tenant_id tenant;
  run_id run;
  std::vector<project_id> only;       ///< The token's `projects`; empty: all.
  std::optional<shard_id> shard = {}; ///< As of list_projects.
};

/// Where to subscribe to a run's room for its phase events (contract 5):
/// `{"last_seq":…,"since":…,"room_seq":…}`, all of one moment: the number of
/// phase events, and the room's position behind which those after `after` are.
struct run_phases {
  room_key room;
  run_id run;
  std::optional<std::uint64_t> after = {}; ///< Absent: only what comes.
};

using any
  = std::variant<list_runs, run_detail, run_page, list_definitions, definition,
                 list_projects, room_events, find_run, run_phases>;

} // namespace callboard::query

namespace callboard {

/// One event on its way to viewers, shared by all of them. `seq` 0: ephemeral.
struct posted_event {
  event_seq seq;
  std::string_view type_name; ///< Points into `frame`.
  run_id run;                 ///< Empty: not of a run.
  step_id step;
  bool snapshot = false; ///< A stream's text so far, for one viewer.
  shared_bytes frame;    ///< The JSON text that viewers get.
  /// What the run knew when this happened and the frame does not say, for other
  /// vocabularies: see event_record::facts. Null: nothing.
  shared_bytes facts = nullptr;
};

/// A stretch of a room's history, oldest first, without gaps before filtering.
struct history_chunk {
  std::vector<posted_event> events; ///< Those that match.
  event_seq through; ///< All up to here is in `events` or did not match.
  event_seq head;    ///< The room's last number when this was read.
  event_seq oldest;  ///< The oldest event that is kept.
};

/// Asks for the events after `after` until about `max_bytes`.
struct history_request {
  room_key room;
  event_seq after;
  std::optional<run_id> run; ///< View `execution:{id}`.
  std::vector<std::string> types;
  std::size_t max_bytes = 256u << 10;
};

} // namespace callboard
