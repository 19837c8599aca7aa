#pragma once

#include "actors/dispatch_queues.hpp"
#include "actors/engine.hpp"
#include "actors/model/event_record.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace callboard {

/// What an event means for the stream texts that its room keeps.
struct stream_note {
  enum class what : std::uint8_t { nothing, chunk, step_ended, run_ended };
  what kind = what::nothing;
  shared_bytes source;   ///< chunk: keeps `data` alive.
  std::string_view data; ///< chunk: the raw `data` object.
};

/// A draft became an event; it still lacks its number.
struct accepted {
  event_record record;
  stream_note note = {};
  dispatch_ptr dispatch = {}; ///< The run's, after a marked event.
};

/// An ephemeral event, to be passed on in its turn.
struct passed_on {
  posted_event event;
  stream_note note = {};
};

/// The id was seen before: nothing changes, the answer is that of the first
/// time.
struct duplicate_of {
  event_seq seq;
};

/// The id stands earlier in the same request.
struct same_as {
  std::uint32_t item = 0;
};

/// What a decider made of one item; monostate: not yet.
using verdict = std::variant<std::monostate, accepted, passed_on, duplicate_of,
                             same_as, problem>;

/// Collects the answers of a request whose items went to two shards (events of
/// the project and of the tenant). Any thread.
class publish_gather {
public:
  publish_gather(std::size_t items, std::size_t parts)
      : whole_{std::vector<publish_result>(items)}, missing_{parts} {
    // nop
  }

  /// @returns the whole answer with the last part.
  std::optional<publish_answer> add(const std::vector<std::uint32_t>& positions,
                                    std::vector<publish_result> part);

private:
  std::mutex mutex_;
  publish_answer whole_;
  std::size_t missing_;
};

/// One request on its way through a shard. Requests of one room are numbered in
/// the order of their arrival, whichever of them is decided first.
struct slot {
  enum class what : std::uint8_t { publish, command, define };

  std::uint64_t id = 0;
  what kind = what::publish;
  reply_address to;
  room_key room;
  std::size_t bytes = 0; ///< Counted against the limit in flight.
  std::int64_t began_us = 0;

  /// publish: the request, one verdict an item.
  std::shared_ptr<publish_request> request;
  std::shared_ptr<publish_gather> gather; ///< Null: the answer is all of it.
  std::vector<std::uint32_t> positions;   ///< With gather: places in the whole.

  /// command, define: what to do; the events that it means are the verdicts.
  std::shared_ptr<const command_arguments> command;
  run_id successor; ///< retry: the new run.
  /// take: what it is about. lose: nothing, nobody is answered.
  std::optional<dispatch_queues::grant> grant;
  dispatch_ptr lease;          ///< take: as it was decided.
  bool abandoned = false;      ///< take: the worker has gone.
  std::string definition_json; ///< define: the answer.
  /// define: as it was asked for, to be passed on.
  std::shared_ptr<const definition_request> definition;
  bool exists = false;   ///< define: what is to be deleted is there.
  bool proposed = false; ///< Part of an entry, or behind one.
  /// command, define: why nothing of it is done, as the run or the store says.
  std::optional<problem> refusal;

  std::vector<verdict> verdicts;
  std::size_t waiting = 0; ///< Deciders that have not answered yet.

  /// Ids that can only be looked up when everything before this request is
  /// applied: asked for by these deciders.
  std::vector<struct id_lookup> after_drain;
  bool fields_wanted = false; ///< retry: load the old run's fields likewise.

  std::vector<publish_result> results; ///< Filled when numbered.
};

using slot_ptr = std::shared_ptr<slot>;

/// The ids (by item) that a decider could not rule out by itself.
struct id_lookup {
  std::uint64_t slot = 0;
  run_id run; ///< Empty: the room's own ids.
  bool after_drain = false;
  std::vector<std::uint32_t> items;
  std::vector<std::string> ids;
};

/// What the store said to an id_lookup.
struct ids_found {
  std::uint64_t slot = 0;
  std::vector<std::uint32_t> items;
  std::vector<std::optional<event_seq>> seqs;
  std::optional<problem> error; ///< The store could not be read.
  bool after_drain = false;
};

/// A decider's answer for its items of one slot. For commands the items are
/// 0, 1, … in the order of the events.
struct decided {
  std::uint64_t slot = 0;
  run_id run; ///< Who decided; empty: the room.
  std::vector<std::uint32_t> items;
  std::vector<verdict> verdicts;
  bool is_command = false;
};

} // namespace callboard
