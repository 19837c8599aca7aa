#pragma once

#include "actors/model/definition_names.hpp"
#include "actors/model/event.hpp"
#include "actors/model/event_facts.hpp"
#include "actors/model/event_record.hpp"
#include "actors/model/field_map.hpp"
#include "actors/model/ids.hpp"
#include "actors/model/lease.hpp"
#include "actors/model/problem.hpp"
#include "actors/model/states.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace callboard {

/// What a decision needs to know of one step.
struct step_brief {
  step_status status = step_status::pending;
  bool has_started_at = false;
  bool has_completed_at = false;
  /// Raw `input_request` as long as the step may wait or wait again; else
  /// (ended, but not failed) it may be empty. Empty also when there is none.
  std::string input_request;
  step_story story = {};
};

/// What a decision needs to know of one run: loaded when its actor starts.
struct run_brief {
  run_status status = run_status::pending;
  bool has_started_at = false;
  bool has_completed_at = false;
  std::unordered_map<step_id, step_brief> steps;
  dispatch_ptr dispatch = {}; ///< Null: no worker is meant to take it.
  run_story story = {};
};

/// A command of an operator or a user, as opposed to a producer's event.
/// The last three are the queue's own: a worker takes, loses or gives back.
enum class run_command : std::uint8_t {
  create,
  pause,
  resume,
  cancel,
  retry,
  input,
  take,
  lose,
  release
};

std::string_view to_string(run_command x) noexcept;

/// What take, lose and release need beside the run.
struct lease_arguments {
  std::string worker;             ///< take
  std::string secret;             ///< take: lease_secret_bytes of randomness.
  std::uint64_t term = 0;         ///< lose: of the lease that ran out.
  std::uint64_t max_attempts = 0; ///< lose: with so many, the run fails.
  lease_claim claim = {};         ///< release
};

/// The arguments of a command; what it does not use is empty.
struct command_arguments {
  run_command what = run_command::pause;
  run_id run;
  step_id step;         ///< input
  std::string asked_by; ///< The token's subject.
  std::string reason;   ///< pause, resume, cancel, retry: plain text or empty.
  std::string value;    ///< input: raw JSON.
  /// create() only: raw JSON object of the run's first fields. For a retry the
  /// caller has put `retry_of` into it.
  std::string fields;
  lease_arguments lease = {};
};

/// Decides about the events of one run. Knows the run as it will be when all
/// that it accepted so far is committed. Pure: no clock, no I/O.
class run_machine {
public:
  /// A run that does not exist yet: its first accepted event creates it.
  run_machine() = default;

  explicit run_machine(run_brief stored);

  /// Where the names of the project's definitions are looked up; null: nowhere.
  void use(std::shared_ptr<const definition_names> names) noexcept {
    names_ = std::move(names);
  }

  bool exists() const noexcept {
    return exists_;
  }

  const run_brief& brief() const noexcept {
    return run_;
  }

  /// Checks a durable draft against the state, changes the state, and encodes
  /// the event with the times that the producer left out.
  /// @returns errc::conflict for an illegal transition, naming both states; the
  ///          state is unchanged then.
  result<event_record> decide(const event_draft& draft, const room_key& room,
                              std::int64_t now_ms);

  /// Whether an event that comes with this claim may be looked at: the claim
  /// must be the latest lease of this run.
  result<void> check_lease(const lease_claim& claim) const;

  /// Turns a command (all but create and retry) into the events that it means,
  /// in order, all or none: pause, resume, cancel: a `command` timeline event,
  /// then the status; input: an `input_response` timeline event, then the step
  /// back to running; take, lose, release: a `lease` timeline event, then the
  /// status: running, pending again (only so), or failed.
  /// @returns errc::conflict, errc::not_found (run or step), errc::invalid
  ///          (pointer "/value") for an answer outside validation.options.
  result<std::vector<event_record>> decide(const command_arguments& command,
                                           const room_key& room,
                                           std::int64_t now_ms);

  /// The first event of the new run `command.run` made by `create` (fields as
  /// given) or `retry` (fields of the old run, plus `retry_of`): pending. A
  /// member `id` of the fields is left out, it names the run.
  /// @returns errc::conflict if the run exists, errc::invalid for wrong fields
  ///          (pointers relative to `fields`).
  result<event_record> create(const command_arguments& command,
                              const room_key& room, std::int64_t now_ms);

  /// Whether `retry` is allowed (the run exists and has ended).
  result<void> check_retry() const;

  /// The `command` timeline event that tells the producer of the old run that
  /// it was retried as `successor`.
  event_record retried(const command_arguments& command,
                       const run_id& successor, const room_key& room,
                       std::int64_t now_ms) const;

  /// Bytes that this object occupies, roughly.
  std::size_t memory() const noexcept;

private:
  /// Only the queue may take a run back to pending.
  enum class transition : std::uint8_t { by_producer, back_to_queue };

  result<event_record> decide_run(const event_draft& draft,
                                  const room_key& room, std::int64_t now_ms,
                                  transition how = transition::by_producer);
  result<event_record> decide_step(const event_draft& draft,
                                   const room_key& room, std::int64_t now_ms);
  result<std::vector<event_record>>
  decide_status(const command_arguments& command, const room_key& room,
                std::int64_t now_ms);
  result<std::vector<event_record>>
  decide_input(const command_arguments& command, const room_key& room,
               std::int64_t now_ms);
  result<std::vector<event_record>>
  decide_lease(const command_arguments& command, const room_key& room,
               std::int64_t now_ms);
  result<void> check_exists(const command_arguments& command,
                            const room_key& room) const;

  /// The raw name of the step that an artifact says it comes from; or empty.
  std::string_view node_of(const event_draft& artifact) const noexcept;

  bool exists_ = false;
  run_brief run_;
  std::shared_ptr<const definition_names> names_;
};

/// Events outside runs (definitions, custom): nothing to check but their shape.
event_record decide_room_event(const event_draft& draft, const room_key& room,
                               std::int64_t now_ms);

/// Ids of events that a run (or a room) has seen, for finding duplicates.
/// Exact while small, then a chain of Bloom filters: "no" is certain, "maybe"
/// must be looked up in the store. Never forgets.
class known_ids {
public:
  /// `complete`: starts with all ids known (a new run has none). Otherwise
  /// every id is "maybe" for ever, and add() keeps nothing.
  explicit known_ids(bool complete = true) noexcept : complete_{complete} {
    // nop
  }

  bool maybe_contains(std::string_view id) const noexcept;
  void add(std::string_view id);
  std::size_t memory() const noexcept;

private:
  bool complete_;
  std::vector<std::uint64_t> exact_; // sorted hashes while few
  // Bits, in blocks of a cache line; each filter twice its forerunner.
  std::vector<std::vector<std::uint64_t>> filters_;
  std::size_t in_last_filter_ = 0;
};

} // namespace callboard
