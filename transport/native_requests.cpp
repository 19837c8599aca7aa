#include "actors/model/event.hpp"
#include "transport/native_client.hpp"
#include "transport/native_messages.hpp"

#include <algorithm>
#include <array>
#include <utility>

/// native_client: the frames that ask the engine to do something.
namespace callboard {

namespace {

/// The commands that a frame may name; runs are created over HTTP.
constexpr std::array frame_commands{run_command::pause, run_command::resume,
                                    run_command::cancel, run_command::retry,
                                    run_command::input};

result<run_command> parse_command(std::string_view name) {
  std::string known;
  for (auto x : frame_commands) {
    if (to_string(x) == name)
      return x;
    known += known.empty() ? "" : ", ";
    known += to_string(x);
  }
  return fail(errc::invalid, "command must be one of " + known, "/command");
}

/// One event of a publish frame, checked, or why not.
publish_item make_item(json::value event, const shared_bytes& source,
                       const project_id& project, const event_limits& limits) {
  auto draft = parse_event(event, source, project, limits);
  if (draft)
    return std::move(*draft);
  publish_result refused;
  auto id = event.find("id");
  if (id && id->is(json::kind::string) && valid_id(id->string()))
    refused.id = id->string();
  refused.error = std::move(draft.error());
  return refused;
}

} // namespace

result<project_id> native_client::project_of(const frame& x) const {
  auto project = native::optional_id(x.root, "project_id");
  if (!project)
    return tl::unexpected{std::move(project.error())};
  if (!*project && !who_.default_project)
    return fail(errc::invalid,
                "project_id is missing, and your token has no default_project",
                "/project_id");
  auto id = *project ? project_id{std::move(**project)} : *who_.default_project;
  if (auto ok = check_reach(id); !ok)
    return tl::unexpected{std::move(ok.error())};
  return id;
}

result<void> native_client::on_publish(const frame& x) {
  if (!who_.may_publish)
    return fail(errc::forbidden, "your token lacks the scope publish");
  auto project = project_of(x);
  if (!project)
    return tl::unexpected{std::move(project.error())};
  auto events = x.root.find("events");
  if (!events || !events->is(json::kind::array))
    return fail(errc::invalid, "events must be an array of events", "/events");
  auto& conf = home_.conf().limits;
  if (events->size() > conf.events_per_request)
    return fail(errc::too_large,
                "a frame may have at most "
                  + std::to_string(conf.events_per_request) + " events",
                "/events");
  event_limits limits;
  limits.max_event_bytes = conf.event_bytes;
  limits.json.max_depth = conf.json_depth;
  auto lease = claim_of(x);
  if (!lease)
    return tl::unexpected{std::move(lease.error())};
  publish_request request{
    {who_.tenant, *project}, {}, x.source->size(), std::move(*lease)};
  request.items.reserve(events->size());
  for (auto event : events->items())
    request.items.push_back(make_item(event, x.source, *project, limits));
  auto call = [this, &request](const reply_address& to) {
    home_.target().publish(to, std::move(request));
  };
  auto then = [this, ref = std::string{x.ref}](answer got) {
    if (auto* done
        = got.outcome ? std::get_if<publish_answer>(&*got.outcome) : nullptr)
      send(native::published(done->results, ref));
    else
      send(native::error(got.outcome ? problem{} : got.outcome.error(), ref));
  };
  ask(x.source->size(), std::move(call), std::move(then));
  return {};
}

result<void> native_client::on_command(const frame& x) {
  if (!who_.may_publish)
    return fail(errc::forbidden, "your token lacks the scope publish");
  auto project = project_of(x);
  if (!project)
    return tl::unexpected{std::move(project.error())};
  auto name = native::text_member(x.root, "command");
  auto run = native::optional_id(x.root, "execution_id");
  auto step = native::optional_id(x.root, "step_id");
  auto reason = native::optional_text(x.root, "reason");
  for (auto* why :
       {name ? nullptr : &name.error(), run ? nullptr : &run.error(),
        step ? nullptr : &step.error(), reason ? nullptr : &reason.error()})
    if (why != nullptr)
      return tl::unexpected{std::move(*why)};
  auto what = parse_command(*name);
  if (!what)
    return tl::unexpected{std::move(what.error())};
  if (!*run)
    return fail(errc::invalid, "execution_id is missing", "/execution_id");
  command_arguments arguments;
  arguments.what = *what;
  arguments.run = {**run};
  arguments.asked_by = who_.subject;
  arguments.reason = reason->value_or("");
  if (*what == run_command::input) {
    auto value = x.root.find("value");
    if (!*step)
      return fail(errc::invalid, "step_id is missing", "/step_id");
    if (!value)
      return fail(errc::invalid, "value is missing", "/value");
    arguments.step = {**step};
    arguments.value = value->raw();
  }
  auto call = [&](const reply_address& to) {
    home_.target().command(
      to, {{who_.tenant, std::move(*project)}, std::move(arguments)});
  };
  auto then = [this, ref = std::string{x.ref}](answer got) {
    if (auto* done
        = got.outcome ? std::get_if<document_answer>(&*got.outcome) : nullptr)
      send(native::done(done->json, ref));
    else
      send(native::error(got.outcome ? problem{} : got.outcome.error(), ref));
  };
  ask(x.source->size(), std::move(call), std::move(then));
  return {};
}

} // namespace callboard
