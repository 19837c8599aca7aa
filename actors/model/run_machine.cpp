#include "actors/model/run_machine.hpp"

#include "actors/model/json_text.hpp"

namespace callboard {
namespace {

/// The refusal of a transition. `who` is such as `run "r1"`.
template <class Status>
tl::unexpected<problem> illegal(std::string who, Status from, Status to) {
  auto detail = std::move(who) + " is " + std::string{to_string(from)}
                + " and cannot become " + std::string{to_string(to)};
  if (is_ended(from))
    detail += ": it has ended, start a new one";
  else
    detail += ": send the states in between first";
  return fail(errc::conflict, std::move(detail), "/data/changes/status");
}

/// Collects the times that the engine adds to a body. Formats the time only if
/// one is needed.
class added_times {
public:
  added_times(const event_draft& draft, std::int64_t now_ms) noexcept
      : draft_{draft}, now_ms_{now_ms} {
    // nop
  }

  void add(std::string_view name) {
    json::append_string_member(members_, name,
                               iso8601(event_time(draft_, now_ms_)));
  }

  void clear(std::string_view name) {
    json::append_member(members_, name, "null");
  }

  std::string_view members() const noexcept {
    return members_;
  }

private:
  const event_draft& draft_;
  std::int64_t now_ms_;
  std::string members_;
};

/// What is known of a time after an event that sent it, or cleared it.
bool known_after(bool known, bool sent, bool cleared) noexcept {
  return sent ? !cleared : known;
}

} // namespace

run_machine::run_machine(run_brief stored)
    : exists_{true}, run_{std::move(stored)} {
  for (const auto& [id, step] : run_.steps)
    run_.story.done += is_done(step.status) ? 1 : 0;
}

result<event_record> run_machine::decide(const event_draft& draft,
                                         const room_key& room,
                                         std::int64_t now_ms) {
  switch (draft.type) {
  case event_type::run_updated:
    return decide_run(draft, room, now_ms);
  case event_type::step_updated:
    return decide_step(draft, room, now_ms);
  case event_type::timeline_created:
    exists_ = true; // the first event of an unknown run creates it
    return make_record(draft, room, now_ms, {});
  case event_type::artifact_created: {
    exists_ = true;
    auto record = make_record(draft, room, now_ms, {});
    record.facts = artifact_facts(run_.story, node_of(draft));
    return record;
  }
  case event_type::step_stream:
  case event_type::definition_updated:
  case event_type::custom:
    break;
  }
  return fail(errc::internal, "an event of type " + std::string{draft.type_name}
                                + " was given to a run");
}

result<event_record> run_machine::decide_run(const event_draft& draft,
                                             const room_key& room,
                                             std::int64_t now_ms,
                                             transition how) {
  auto from = run_.status; // of an unknown run: pending
  auto to = draft.run_status_to.value_or(from);
  if (how == transition::by_producer && !may_follow(from, to))
    return illegal("run \"" + draft.run.value + "\"", from, to);
  added_times added{draft, now_ms};
  if (!exists_ && !draft.has_created_at)
    added.add("created_at");
  bool started = run_.has_started_at, completed = run_.has_completed_at;
  if (from != to) {
    if (to == run_status::running && !started && !draft.has_started_at) {
      added.add("started_at");
      started = true;
    }
    if (is_ended(to) && !completed && !draft.has_completed_at) {
      added.add("completed_at");
      completed = true;
    }
  }
  exists_ = true;
  run_.status = to;
  run_.has_started_at
    = known_after(started, draft.has_started_at, draft.clears_started_at);
  run_.has_completed_at
    = known_after(completed, draft.has_completed_at, draft.clears_completed_at);
  auto record = make_record(draft, room, now_ms, added.members());
  record.facts = run_facts(run_.story, {from, to, run_.steps.size()},
                           record.body(), names_.get());
  return record;
}

result<event_record> run_machine::decide_step(const event_draft& draft,
                                              const room_key& room,
                                              std::int64_t now_ms) {
  auto found = run_.steps.find(draft.step);
  bool known = found != run_.steps.end();
  // Any status may be a step's first: nothing is left out on the way to it.
  auto from = known ? found->second.status : step_status::pending;
  auto to = draft.step_status_to.value_or(from);
  if (!may_follow(from, to))
    return illegal("step \"" + draft.step.value + "\" of run \""
                     + draft.run.value + "\"",
                   from, to);
  added_times added{draft, now_ms};
  auto steps_before = run_.steps.size();
  if (!known) {
    if (!draft.has_created_at)
      added.add("created_at");
    found = run_.steps.try_emplace(draft.step).first;
  }
  auto& step = found->second;
  if (from != to) {
    if (to == step_status::running && !step.has_started_at
        && !draft.has_started_at) {
      added.add("started_at");
      step.has_started_at = true;
    }
    if (is_ended(to) && !step.has_completed_at && !draft.has_completed_at) {
      added.add("completed_at");
      step.has_completed_at = true;
    }
    if (is_ended(from) && step.has_completed_at && !draft.has_completed_at) {
      added.clear("completed_at"); // retried: it has not ended after all
      step.has_completed_at = false;
    }
  }
  exists_ = true;
  step.status = to;
  step.has_started_at = known_after(step.has_started_at, draft.has_started_at,
                                    draft.clears_started_at);
  step.has_completed_at = known_after(
    step.has_completed_at, draft.has_completed_at, draft.clears_completed_at);
  if (draft.input_request == "null")
    step.input_request.clear();
  else if (!draft.input_request.empty())
    step.input_request = draft.input_request;
  if (is_ended(to) && to != step_status::failed)
    step.input_request = {}; // never asked again
  auto record = make_record(draft, room, now_ms, added.members());
  record.facts = step_facts(run_.story, step.story, draft.step,
                            {from, to, run_.status, steps_before,
                             run_.steps.size(), step.input_request},
                            record.body(), names_.get());
  return record;
}

std::string_view
run_machine::node_of(const event_draft& artifact) const noexcept {
  auto doc = json::document::parse(artifact.data);
  if (!doc)
    return {};
  auto id = doc->root().find("step_id");
  if (!id)
    if (auto body = doc->root().find("artifact"))
      id = body->find("step_id");
  if (!id || !id->is(json::kind::string))
    return {};
  auto found = run_.steps.find({id->string()});
  if (found == run_.steps.end())
    return {};
  const auto* name = found->second.story.fields.find("name");
  return name != nullptr ? std::string_view{*name} : std::string_view{};
}

std::size_t run_machine::memory() const noexcept {
  auto bytes = sizeof *this + run_.steps.bucket_count() * sizeof(void*)
               + held_bytes(run_.story.fields);
  if (run_.dispatch)
    bytes += sizeof(dispatch_state) + run_.dispatch->queue.capacity();
  for (const auto& [id, step] : run_.steps) {
    constexpr std::size_t node_links = 2 * sizeof(void*);
    bytes
      += sizeof id + sizeof step + node_links + held_bytes(step.story.fields);
    for (const auto* text : {&id.value, &step.input_request})
      if (text->capacity() > 15) // not inside the string itself
        bytes += text->capacity() + 1;
  }
  return bytes;
}

event_record decide_room_event(const event_draft& draft, const room_key& room,
                               std::int64_t now_ms) {
  return make_record(draft, room, now_ms, {});
}

} // namespace callboard
