#pragma once

#include "actors/model/field_map.hpp"
#include "actors/model/ids.hpp"
#include "actors/model/json.hpp"
#include "actors/model/shared_bytes.hpp"
#include "actors/model/states.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// Facts: what a run knew when one of its events happened and what the event's
/// frame does not say. With them other vocabularies (contracts 2 to 5) are
/// translations of single events, the same live, at every replay and on every
/// node. A compact JSON object; every member may be missing:
///
/// - `was`: the status before, if the event changed it
/// - `begins`: true: the run's story begins (contract 3: WorkflowStarted)
/// - `workflow`: what the run's workflow is called; with its begin and its end
/// - `first`: true: the run runs for the first time
/// - `nodes`: how many nodes the run has; with `first`
/// - `progress`: [completed,total], if the event changed them
/// - `phase`: the number among the run's phase events (contract 5)
/// - `task`: "start", "end" or "both": what the step's task does in the run's
///   story (contract 3); missing when the run has ended
/// - `asks`: true: the step waits for input from now on, or asks anew
/// - `failed_step`: the step that failed last; with the run's failure
/// - `node`: the name of an artifact's step
/// - `fields`: fields that earlier events set and this one does not: those that
///   a vocabulary says with this change of status
/// - `reason`: why an operator paused, resumed or cancelled the run
namespace callboard {

class definition_names;

/// What earlier events said of a step that later ones are told with.
struct step_story {
  bool open = false; ///< Its task was started and not ended (contract 3).
  field_map fields;  ///< Until it has ended; then only its name.
};

/// What earlier events said of a run that later ones are told with.
struct run_story {
  std::uint64_t phases = 0; ///< Phase events so far (contract 5).
  std::uint64_t done = 0;   ///< Steps completed or skipped.
  bool begun = false;       ///< See `begins`.
  bool ran = false;         ///< It was running, or has ended.
  step_id failed_step;      ///< That failed last.
  field_map fields;         ///< Until the run has ended.
};

/// The marks of an event's facts that change the stories, for the fold.
struct fact_marks {
  std::uint64_t phase = 0; ///< 0: none.
  bool begins = false;
  bool first = false;
  bool moved = false; ///< The status changed.
  /// 1: a step's task started, -1: ended (or both); 0: neither.
  int task = 0;
};

/// Empty or malformed facts have no marks.
fact_marks read_marks(std::string_view facts, json::document& scratch);

/// Fields that stories keep.
bool is_told_of_run(std::string_view field) noexcept;
bool is_told_of_step(std::string_view field) noexcept;
/// Of steps that have ended for good.
bool is_told_of_ended_step(std::string_view field) noexcept;

/// Whether a step needs all its fields again: it has not ended, or may be
/// retried.
bool may_go_on(step_status x) noexcept;
/// Whether a step counts as done in a run's progress.
bool is_done(step_status x) noexcept;

/// The facts of events, as a run's owner decides them; the stories go on with
/// each. `body` is the record's, with the times that the engine added.

struct run_passage {
  run_status from, to;
  std::size_t steps = 0; ///< Known ones.
};
std::string run_facts(run_story& run, const run_passage& x,
                      std::string_view body, const definition_names* names);

struct step_passage {
  step_status from, to;
  run_status of_run;
  std::size_t steps_before = 0;
  std::size_t steps = 0;
  std::string_view input_request; ///< Raw, after the event.
};
std::string step_facts(run_story& run, step_story& step, const step_id& id,
                       const step_passage& x, std::string_view body,
                       const definition_names* names);

/// `node`: raw name of the artifact's step; empty: none.
std::string artifact_facts(run_story& run, std::string_view node);

/// As posted_event has them: null for none.
shared_bytes shared_facts(std::string_view facts);

void add_reason(std::string& facts, std::string_view reason);

/// Bytes that a map holds besides itself, roughly.
std::size_t held_bytes(const field_map& x) noexcept;

} // namespace callboard
