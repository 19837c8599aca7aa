#include "actors/model/event_checks.hpp"
#include "actors/model/json_text.hpp"
#include "actors/model/own_event.hpp"
#include "actors/model/run_machine.hpp"

/// Commands as events: what the engine itself publishes on somebody's behalf.
namespace callboard {
namespace {

event_record command_event(const command_arguments& command,
                           const room_key& room, std::string_view more,
                           std::int64_t now_ms) {
  std::string members;
  json::append_string_member(members, "command", to_string(command.what));
  json::append_string_member(members, "requested_by", command.asked_by);
  if (!command.reason.empty())
    json::append_string_member(members, "reason", command.reason);
  members += more;
  return own_timeline(command.run, room, "command", members, now_ms);
}

struct status_rule {
  run_status to;
  bool allowed;
  std::string_view when;
};

/// What a command makes of a run. Unlike a producer's event, a command that
/// would change nothing is refused: whoever asks shall know.
status_rule rule_of(run_command what, run_status from) noexcept {
  switch (what) {
  case run_command::pause:
    return {run_status::paused, from == run_status::running,
            "only a running run can be paused"};
  case run_command::resume:
    return {run_status::running, from == run_status::paused,
            "only a paused run can be resumed"};
  case run_command::cancel:
    return {run_status::cancelled, !is_ended(from),
            "only a run that has not ended can be cancelled"};
  case run_command::create:
  case run_command::retry:
  case run_command::input:
  case run_command::take:
  case run_command::lose:
  case run_command::release:
    break;
  }
  return {from, false, "the command does not change a run's status"};
}

/// Whether `answer` is among the options of a step's input request. Options are
/// values, or objects that hold theirs in `value`.
result<void> check_answer(json::value answer, std::string_view input_request) {
  if (input_request.empty())
    return {};
  json::document request;
  if (auto ok = request.reset(input_request); !ok)
    return fail(errc::internal,
                "the stored input_request is not JSON: " + ok.error().detail);
  auto validation = request.root().find("validation");
  auto options = validation ? validation->find("options") : std::nullopt;
  if (!options || !options->is(json::kind::array))
    return {};
  for (auto option : options->items())
    if (json::equal(answer, option.find("value").value_or(option)))
      return {};
  return bad_value("/value", answer.raw(),
                   "answer with one of validation.options, "
                     + shortened(options->raw()));
}

/// A new run's first event.
struct first_event {
  std::string changes;
  std::string queue; ///< Where it waits for a worker; empty: nowhere.
  std::optional<std::int64_t> created_ms; ///< As asked for.
};

std::string text_member(json::value object, std::string_view key) {
  auto found = object.find(key);
  return found && found->is(json::kind::string) ? found->string()
                                                : std::string{};
}

/// The first event of a run, made of the fields that were asked for; `draft`
/// gets what the state machine needs of them.
result<first_event> first_changes(std::string_view given, event_draft& draft) {
  json::document fields;
  if (auto ok = fields.reset(given.empty() ? "{}" : given); !ok)
    return tl::unexpected<problem>{std::move(ok.error())};
  auto object = fields.root();
  if (!object.is(json::kind::object))
    return bad_value("", object.raw(), "send an object with the run's fields");
  if (auto ok = check_run_changes(draft, object, ""); !ok)
    return tl::unexpected<problem>{std::move(ok.error())};
  if (draft.run_status_to.value_or(run_status::pending) != run_status::pending)
    return bad_value("/status", object.find("status")->raw(),
                     "a new run is \"pending\"; leave it out");
  std::string changes{R"({"status":"pending")"};
  std::string buffer;
  for (auto [key, val] : object.members()) {
    auto name = text_of(key, buffer);
    if (name == "id" || name == "status")
      continue;
    changes += ',';
    changes += key.raw();
    changes += ':';
    changes += val.raw();
  }
  changes += '}';
  return first_event{std::move(changes),
                     queue_of(text_member(object, "workflow_definition_id"),
                              text_member(object, "workflow_name")),
                     parse_iso8601(text_member(object, "created_at"))};
}

} // namespace

event_record own_timeline(const run_id& run, const room_key& room,
                          std::string_view kind, std::string_view members,
                          std::int64_t now_ms) {
  std::string body{"{"};
  json::append_string_member(body, "kind", kind);
  body += ',';
  body += members;
  body += '}';
  own_event event{event_type::timeline_created,
                  "workflow:execution:event:created",
                  room,
                  run,
                  {},
                  "event",
                  body};
  event.draft().timeline = timeline_kind::other;
  return make_record(event.draft(), room, now_ms, {});
}

std::string_view to_string(run_command x) noexcept {
  switch (x) {
  case run_command::create:
    return "create";
  case run_command::pause:
    return "pause";
  case run_command::resume:
    return "resume";
  case run_command::cancel:
    return "cancel";
  case run_command::retry:
    return "retry";
  case run_command::input:
    return "input";
  case run_command::take:
    return "take";
  case run_command::lose:
    return "lose";
  case run_command::release:
    return "release";
  }
  return {};
}

result<void> run_machine::check_exists(const command_arguments& command,
                                       const room_key& room) const {
  if (exists_)
    return {};
  return fail(errc::not_found, "there is no run \"" + command.run.value
                                 + "\" in project \"" + room.project.value
                                 + "\"");
}

result<std::vector<event_record>>
run_machine::decide(const command_arguments& command, const room_key& room,
                    std::int64_t now_ms) {
  if (auto ok = check_exists(command, room); !ok)
    return tl::unexpected<problem>{std::move(ok.error())};
  switch (command.what) {
  case run_command::pause:
  case run_command::resume:
  case run_command::cancel:
    return decide_status(command, room, now_ms);
  case run_command::input:
    return decide_input(command, room, now_ms);
  case run_command::take:
  case run_command::lose:
  case run_command::release:
    return decide_lease(command, room, now_ms);
  case run_command::create:
  case run_command::retry:
    break;
  }
  return fail(errc::internal, "create and retry make a new run: see create()");
}

result<std::vector<event_record>>
run_machine::decide_status(const command_arguments& command,
                           const room_key& room, std::int64_t now_ms) {
  auto rule = rule_of(command.what, run_.status);
  if (!rule.allowed)
    return fail(errc::conflict, "run \"" + command.run.value + "\" is "
                                  + std::string{to_string(run_.status)}
                                  + " and cannot become "
                                  + std::string{to_string(rule.to)} + " by "
                                  + std::string{to_string(command.what)} + ": "
                                  + std::string{rule.when});
  std::string changes{"{"};
  json::append_string_member(changes, "status", to_string(rule.to));
  changes += '}';
  own_event update{event_type::run_updated,
                   "workflow:execution:updated",
                   room,
                   command.run,
                   {},
                   "changes",
                   changes};
  update.draft().run_status_to = rule.to;
  auto told = command_event(command, room, {}, now_ms);
  auto done = decide_run(update.draft(), room, now_ms);
  if (!done)
    return tl::unexpected<problem>{std::move(done.error())};
  if (!command.reason.empty())
    add_reason(done->facts, command.reason);
  std::vector<event_record> out;
  out.push_back(std::move(told));
  out.push_back(std::move(*done));
  return out;
}

result<std::vector<event_record>>
run_machine::decide_input(const command_arguments& command,
                          const room_key& room, std::int64_t now_ms) {
  auto who = "step \"" + command.step.value + "\" of run \"" + command.run.value
             + "\"";
  auto found = run_.steps.find(command.step);
  if (found == run_.steps.end())
    return fail(errc::not_found, "there is no " + who);
  if (is_ended(run_.status))
    return fail(errc::conflict, who + " cannot become running: its run is "
                                  + std::string{to_string(run_.status)});
  if (found->second.status != step_status::waiting)
    return fail(errc::conflict,
                who + " is " + std::string{to_string(found->second.status)}
                  + " and cannot become running by input: only a waiting step "
                    "takes one");
  json::document answer;
  if (command.value.empty())
    return missing("/value", "send the answer");
  if (auto ok = answer.reset(command.value); !ok)
    return fail(errc::invalid, ok.error().detail,
                "/value" + ok.error().pointer);
  if (auto ok = check_answer(answer.root(), found->second.input_request); !ok)
    return tl::unexpected<problem>{std::move(ok.error())};
  std::string members;
  json::append_string_member(members, "step_id", command.step.value);
  json::append_member(members, "value", answer.root().raw());
  json::append_string_member(members, "responded_by", command.asked_by);
  own_event update{event_type::step_updated,
                   "workflow:execution:step:updated",
                   room,
                   command.run,
                   command.step,
                   "changes",
                   R"({"status":"running"})"};
  update.draft().step_status_to = step_status::running;
  auto told
    = own_timeline(command.run, room, "input_response", members, now_ms);
  auto done = decide_step(update.draft(), room, now_ms);
  if (!done)
    return tl::unexpected<problem>{std::move(done.error())};
  std::vector<event_record> out;
  out.push_back(std::move(told));
  out.push_back(std::move(*done));
  return out;
}

result<event_record> run_machine::create(const command_arguments& command,
                                         const room_key& room,
                                         std::int64_t now_ms) {
  if (exists_)
    return fail(errc::conflict, "run \"" + command.run.value
                                  + "\" exists already and is "
                                  + std::string{to_string(run_.status)}
                                  + ": choose another id, or none");
  event_draft checked;
  auto first = first_changes(command.fields, checked);
  if (!first)
    return tl::unexpected<problem>{std::move(first.error())};
  own_event event{event_type::run_updated,
                  "workflow:execution:updated",
                  room,
                  command.run,
                  {},
                  "changes",
                  first->changes};
  auto& draft = event.draft();
  draft.run_status_to = run_status::pending;
  draft.has_created_at = checked.has_created_at;
  draft.has_started_at = checked.has_started_at;
  draft.has_completed_at = checked.has_completed_at;
  draft.clears_started_at = checked.clears_started_at;
  draft.clears_completed_at = checked.clears_completed_at;
  auto made = decide_run(draft, room, now_ms);
  if (made && !first->queue.empty()) {
    made->dispatch = {dispatch_mark::queued, std::move(first->queue)};
    auto waiting = after(made->dispatch, nullptr);
    waiting.created_ms = first->created_ms.value_or(made->ts_ms);
    run_.dispatch = std::make_shared<const dispatch_state>(std::move(waiting));
  }
  return made;
}

result<void> run_machine::check_retry() const {
  if (!exists_)
    return fail(errc::not_found, "there is no such run");
  if (!is_ended(run_.status))
    return fail(errc::conflict,
                "the run is " + std::string{to_string(run_.status)}
                  + " and cannot be retried (a new run, pending): only a run "
                    "that is completed, failed or cancelled can");
  return {};
}

event_record run_machine::retried(const command_arguments& command,
                                  const run_id& successor, const room_key& room,
                                  std::int64_t now_ms) const {
  std::string more{","};
  more += R"("new_execution_id":)";
  json::append_quoted(more, successor.value);
  return command_event(command, room, more, now_ms);
}

} // namespace callboard
