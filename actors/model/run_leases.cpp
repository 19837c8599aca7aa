#include "actors/model/json_text.hpp"
#include "actors/model/own_event.hpp"
#include "actors/model/run_machine.hpp"

/// What workers do to runs: take one, lose it, give it back.
namespace callboard {
namespace {

/// What a lease command does, once it is allowed.
struct lease_step {
  dispatch_note note;
  std::string_view action;  ///< As the timeline says it.
  std::string message = {}; ///< Likewise; may be empty.
  run_status to = run_status::pending;
  std::string changes = {}; ///< More members of the run's changes.
};

std::string who_of(const command_arguments& command) {
  return "run \"" + command.run.value + "\"";
}

result<lease_step> take(const command_arguments& command,
                        const run_brief& run) {
  if (!run.dispatch)
    return fail(errc::conflict,
                who_of(command) + " is in no queue and cannot be taken");
  if (run.status != run_status::pending)
    return fail(errc::conflict, who_of(command) + " is "
                                  + std::string{to_string(run.status)}
                                  + " and cannot become running by take: only "
                                    "a pending run can be taken");
  return lease_step{
    {dispatch_mark::taken, command.lease.secret + command.lease.worker},
    "taken",
    {},
    run_status::running};
}

/// Whether the lease that the command means is held at this moment.
result<void> check_held(const command_arguments& command,
                        const run_brief& run) {
  auto* held = run.dispatch.get();
  if (held == nullptr || held->secret.empty() || is_ended(run.status))
    return fail(errc::conflict, who_of(command) + " is "
                                  + std::string{to_string(run.status)}
                                  + " and leased to nobody");
  if (command.what == run_command::release)
    return check_claim(command.lease.claim, held);
  if (command.lease.term != held->term)
    return fail(errc::conflict, who_of(command) + " has gone on to term "
                                  + std::to_string(held->term));
  return {};
}

result<lease_step> lose(const command_arguments& command,
                        const run_brief& run) {
  if (auto ok = check_held(command, run); !ok)
    return tl::unexpected<problem>{std::move(ok.error())};
  auto& held = *run.dispatch;
  lease_step out{{dispatch_mark::lost}, "lost"};
  out.message = "worker \"" + held.worker
                + "\" was not heard of in time (attempt "
                + std::to_string(held.attempt) + " of "
                + std::to_string(command.lease.max_attempts) + ")";
  if (held.attempt >= command.lease.max_attempts) {
    out.to = run_status::failed;
    json::append_string_member(out.changes, "error_message",
                               "given up: " + out.message);
  }
  return out;
}

result<lease_step> release(const command_arguments& command,
                           const run_brief& run) {
  if (auto ok = check_held(command, run); !ok)
    return tl::unexpected<problem>{std::move(ok.error())};
  return lease_step{{dispatch_mark::released}, "released", command.reason};
}

} // namespace

result<void> run_machine::check_lease(const lease_claim& claim) const {
  return check_claim(claim, run_.dispatch.get());
}

result<std::vector<event_record>>
run_machine::decide_lease(const command_arguments& command,
                          const room_key& room, std::int64_t now_ms) {
  auto step = command.what == run_command::take   ? take(command, run_)
              : command.what == run_command::lose ? lose(command, run_)
                                                  : release(command, run_);
  if (!step)
    return tl::unexpected<problem>{std::move(step.error())};
  auto next = after(step->note, run_.dispatch.get());
  bool taken = step->note.mark == dispatch_mark::taken;
  std::string members;
  json::append_string_member(members, "action", step->action);
  json::append_string_member(members, "worker", next.worker);
  json::append_member(
    members, "attempt",
    std::to_string(taken ? next.attempt : run_.dispatch->attempt));
  json::append_member(members, "term", std::to_string(next.term));
  if (!step->message.empty())
    json::append_string_member(members, "message", step->message);
  auto told = own_timeline(command.run, room, "lease", members, now_ms);
  std::string changes{"{"};
  json::append_string_member(changes, "status", to_string(step->to));
  json::append_member(changes, "attempt", std::to_string(next.attempt));
  if (taken)
    json::append_string_member(changes, "worker", next.worker);
  else
    json::append_member(changes, "worker", "null");
  if (!step->changes.empty())
    changes += ',' + step->changes;
  changes += '}';
  own_event update{event_type::run_updated,
                   "workflow:execution:updated",
                   room,
                   command.run,
                   {},
                   "changes",
                   changes};
  update.draft().run_status_to = step->to;
  auto done
    = decide_run(update.draft(), room, now_ms, transition::back_to_queue);
  if (!done)
    return tl::unexpected<problem>{std::move(done.error())};
  done->dispatch = std::move(step->note);
  run_.dispatch = std::make_shared<const dispatch_state>(std::move(next));
  std::vector<event_record> out;
  out.push_back(std::move(told));
  out.push_back(std::move(*done));
  return out;
}

} // namespace callboard
