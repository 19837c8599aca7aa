#pragma once

#include "actors/model/ids.hpp"
#include "actors/model/states.hpp"

#include <cstdint>
#include <string>
#include <string_view>

/// Keys of the state store. docs/file-formats.md has the whole list. Each
/// begins with the shard (be16), so that a shard is one range of each column
/// family; ids are separated by a zero byte, which no id contains.
namespace callboard::keys {

/// What a key of the column family `rows` holds.
enum class row : char {
  applied = 'A',
  cluster_map = 'M', ///< of the directory's group only
  room = 'R',
  definition = 'D',
  run = 'X', ///< All rows of a run lie together; see run_part.
};

/// Which row of a run.
enum class run_part : char {
  artifact = 'a',       ///< by artifact id: place of its first appearance
  artifact_place = 'b', ///< by that place: the artifact
  counter = 'c',        ///< by name: the sum
  header = 'h',
  step = 's',
  tally = 't',
  large = 'v', ///< by step (or nothing) and field: a value too large for a row
};

/// What a key of the column family `index` finds.
enum class index : char {
  event_id = 'E',       ///< number of an event by its id
  run_events = 'I',     ///< numbers of a run's events by event_class
  run_list = 'L',       ///< runs of a project by creation
  run_status = 'S',     ///< likewise of one status
  run_definition = 'F', ///< likewise of one definition and status
  run_project = 'T',    ///< project of a run by tenant and run
  queued = 'Q',         ///< runs that wait for a worker, by queue and creation
  leased = 'H',         ///< runs that a worker holds
};

/// A run's events are indexed apart by what pages show them.
enum class event_class : char { state = 1, log = 2, timeline = 3 };

struct room_ref {
  std::string_view tenant;
  std::string_view project; ///< Empty: the tenant's own room.
};

inline room_ref ref(const room_key& room) noexcept {
  return {room.tenant.value, room.project.value};
}

/// All keys of a shard begin with this.
std::string shard(shard_id shard);

/// The first key behind those of a shard. For the last number, 0xffff: a key
/// behind all that its rows begin with.
std::string behind_shard(shard_id shard);

std::string applied(shard_id shard);

std::string cluster_map(shard_id shard);

/// Events of a room, to be followed by be64(seq).
std::string events(shard_id shard, room_ref room);
std::string event(shard_id shard, room_ref room, event_seq seq);

/// Rooms of a tenant, to be followed by the project.
std::string rooms(shard_id shard, std::string_view tenant);
std::string room(shard_id shard, room_ref room);

/// Definitions of a project, to be followed by the definition's id.
std::string definitions(shard_id shard, room_ref room);

/// All rows of a run, to be followed by run_part and what that asks for.
std::string run_rows(shard_id shard, room_ref room, std::string_view run);

/// All rows of one part of a run.
std::string run_rows(shard_id shard, room_ref room, std::string_view run,
                     run_part part);

/// Keys of `index` up to a room, and up to a run of it.
std::string of_room(shard_id shard, index what, room_ref room);
std::string of_run(shard_id shard, index what, room_ref room,
                   std::string_view run);

/// Places of a run in the lists.
std::string listed(shard_id shard, room_ref room, std::int64_t created_ms,
                   std::string_view run);
std::string listed(shard_id shard, room_ref room, run_status status,
                   std::int64_t created_ms, std::string_view run);
std::string listed(shard_id shard, room_ref room, std::string_view definition,
                   run_status status, std::int64_t created_ms,
                   std::string_view run);

/// A queue's waiting runs, to be followed by sortable(created_ms) and the run.
std::string queue(shard_id shard, room_ref room, std::string_view queue);
std::string queued(shard_id shard, room_ref room, std::string_view queue,
                   std::int64_t created_ms, std::string_view run);

/// All leased runs of a shard, to be followed by tenant 0 project 0 run.
std::string leased(shard_id shard);
std::string leased(shard_id shard, room_ref room, std::string_view run);

/// Projects that have a run of that id, to be followed by the project.
std::string projects_of_run(shard_id shard, std::string_view tenant,
                            std::string_view run);

/// The first key behind all that begin with `prefix`. Empty: there is none, as
/// all bytes of the prefix are 0xff.
std::string behind(std::string prefix);

/// The number that ends `key`. 0 if the key is too short.
event_seq trailing_seq(std::string_view key) noexcept;

} // namespace callboard::keys
