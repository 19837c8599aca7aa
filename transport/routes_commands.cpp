#include "transport/routes.hpp"

namespace callboard {

namespace {

constexpr std::size_t max_reason_bytes = 4096;

result<plan> command(const call& x, run_command what) {
  auto body = json_object_body(x);
  if (!body)
    return tl::unexpected{body.error()};
  command_request out;
  out.room = x.room();
  out.arguments.what = what;
  out.arguments.run = {x.path["run_id"]};
  out.arguments.asked_by = x.who.subject;
  if (*body)
    if (auto reason = (*body)->find("reason");
        reason && !reason->is(json::kind::null)) {
      if (!reason->is(json::kind::string)
          || reason->raw().size() > max_reason_bytes)
        return fail(errc::invalid,
                    "reason must be a string of at most 4096 bytes", "/reason");
      out.arguments.reason = reason->string();
    }
  return plan{std::move(out)};
}

} // namespace

result<plan> pause_run(const call& x) {
  return command(x, run_command::pause);
}

result<plan> resume_run(const call& x) {
  return command(x, run_command::resume);
}

result<plan> cancel_run(const call& x) {
  return command(x, run_command::cancel);
}

result<plan> retry_run(const call& x) {
  return command(x, run_command::retry);
}

result<plan> answer_step(const call& x) {
  auto body = json_object_body(x);
  if (!body)
    return tl::unexpected{body.error()};
  auto value = *body ? (*body)->find("value") : std::nullopt;
  if (!value)
    return fail(errc::invalid,
                "value is missing: the answer to the waiting step", "/value");
  if (value->raw().size() > x.conf.limits.event_bytes)
    return fail(errc::too_large, "value is larger than an event may be",
                "/value");
  command_request out;
  out.room = x.room();
  out.arguments.what = run_command::input;
  out.arguments.run = {x.path["run_id"]};
  out.arguments.step = {x.path["step_id"]};
  out.arguments.asked_by = x.who.subject;
  out.arguments.value = value->raw();
  return plan{std::move(out)};
}

} // namespace callboard
