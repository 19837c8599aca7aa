#include "actors/model/monitor_story.hpp"

#include "actors/model/object_writer.hpp"

#include <algorithm>
#include <array>

namespace callboard {
namespace {

using json::kind;
using json::object_writer;

std::string_view or_null(std::optional<json::value> x) noexcept {
  return x ? x->raw() : "null";
}

object_writer start(const told_event& x) {
  object_writer out;
  out.text("executionId", x.run());
  return out;
}

std::string finish(object_writer& out, const told_event& x) {
  out.text("timestamp", x.ts());
  return out.take();
}

monitor_message message(const told_event& x, std::string name,
                        std::string payload, std::string_view text) {
  monitor_message out;
  out.event = json::quoted(name);
  out.name = std::move(name);
  out.id = x.id();
  out.payload = std::move(payload);
  out.message = json::quoted(text);
  return out;
}

std::string with_reason(std::string text, const told_event& x) {
  if (auto reason = x.reason(); reason.size() > 2 && reason.front() == '"')
    if (auto doc = json::document::parse(reason))
      text += ": " + doc->root().string();
  return text;
}

/// Such as "2.5 s".
std::string seconds_text(std::int64_t ms) {
  auto tenths = (ms + 50) / 100;
  return std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10) + " s";
}

/// pausing, resuming, cancelling
monitor_message plain(const told_event& x, const char* name,
                      std::string_view status, std::string text) {
  auto payload = start(x);
  payload.text("status", status);
  return message(x, name, finish(payload, x), with_reason(std::move(text), x));
}

monitor_message completed(const told_event& x) {
  auto payload = start(x);
  payload.text("status", "COMPLETED").number("duration", x.duration_ms());
  return message(x, "execution:completed", finish(payload, x),
                 "Execution completed in " + seconds_text(x.duration_ms()));
}

monitor_message failed(const told_event& x) {
  auto payload = start(x);
  payload.text("status", "FAILED").raw("error", x.field("error_message"));
  auto error = x.text("error_message");
  auto out = message(x, "execution:failed", finish(payload, x),
                     error.empty() ? "Execution failed"
                                   : "Execution failed: " + error);
  out.level = R"("error")";
  return out;
}

std::optional<monitor_message> passage(const told_event& x) {
  auto to = x.run_became();
  if (!to)
    return std::nullopt;
  switch (*to) {
  case run_status::pending: // back in its queue
    return std::nullopt;
  case run_status::running:
    if (x.is_first_start())
      return plain(x, "execution:started", "RUNNING", "Execution started");
    if (!x.resumes())
      return std::nullopt;
    return plain(x, "execution:resumed", "RUNNING", "Execution resumed");
  case run_status::paused:
    return plain(x, "execution:paused", "PAUSED", "Execution paused");
  case run_status::completed:
    return completed(x);
  case run_status::failed:
    return failed(x);
  case run_status::cancelled:
    return plain(x, "execution:cancelled", "CANCELLED", "Execution cancelled");
  }
  return std::nullopt;
}

/// The producer's own word for what moved, and its date, if it gave them.
std::string_view given(const told_event& x, std::string_view name) {
  if (x.type() != event_type::run_updated)
    return {};
  auto progress = x.body().find("progress");
  auto found = progress ? progress->find(name) : std::nullopt;
  if (!found)
    found = x.body().find(name);
  return found && !found->is(kind::null) ? found->raw() : std::string_view{};
}

std::optional<monitor_message> progress(const told_event& x) {
  auto numbers = x.progress();
  if (!numbers)
    return std::nullopt;
  auto payload = start(x);
  auto event = given(x, "event");
  payload.raw("event", event.empty() ? R"("progress")" : event);
  if (auto date = given(x, "date"); !date.empty())
    payload.raw("date", date);
  object_writer pair;
  pair.raw("current", numbers->completed).raw("total", numbers->total);
  payload.raw("progress", pair.take());
  auto out = message(x, "execution:progress", finish(payload, x),
                     "Progress: " + std::string{numbers->completed} + " of "
                       + std::string{numbers->total});
  out.id += ":progress";
  return out;
}

constexpr std::array<std::string_view, 8> own_names{
  "started", "progress", "completed", "failed",
  "paused",  "resumed",  "cancelled", "log"};

/// The timeline's name for the entry, which may be another than the event's.
std::string own_id(const told_event& x) {
  auto id = x.body().find("id");
  return id && id->is(kind::string) ? id->string() : x.id();
}

void tell_counter(const told_event& x, std::vector<monitor_message>& out) {
  // Members that say what the payload says by itself, or how it came about.
  constexpr std::array<std::string_view, 7> left_out{
    "id", "kind", "name", "count", "created_at", "executionId", "timestamp"};
  auto name = x.body().find("name"), count = x.body().find("count");
  if (!name || !name->is(kind::string) || !count)
    return;
  auto word = name->string();
  if (std::ranges::find(own_names, word) != own_names.end())
    return; // would be taken for what it is not
  auto payload = start(x);
  payload.raw("count", count->raw());
  std::string members;
  for (auto [key, val] : x.body().members()) {
    if (std::ranges::find(left_out, key.string()) != left_out.end())
      continue;
    members += ',';
    members += key.raw();
    members += ':';
    members += val.raw();
  }
  auto text = payload.take();
  text.pop_back(); // the closing brace
  text += members;
  json::append_string_member(text, "timestamp", x.ts());
  text += '}';
  out.push_back(message(x, "execution:" + word, std::move(text),
                        word + ": " + std::string{count->raw()}));
  out.back().id = own_id(x);
}

void tell_log(const told_event& x, std::vector<monitor_message>& out) {
  monitor_message log;
  log.name = "execution:log";
  log.id = own_id(x);
  auto level = x.body().find("level");
  if (level && level->is(kind::string))
    log.level = level->raw();
  log.event = or_null(x.body().find("event"));
  log.message = or_null(x.body().find("message"));
  log.metadata = or_null(x.body().find("metadata"));
  auto payload = start(x);
  payload.raw("level", log.level)
    .raw("event", log.event)
    .raw("message", log.message)
    .raw("metadata", log.metadata);
  log.payload = finish(payload, x);
  out.push_back(std::move(log));
}

} // namespace

bool monitor_may_tell(std::string_view type_name) noexcept {
  auto type = type_of(type_name);
  return type == event_type::run_updated || type == event_type::step_updated
         || type == event_type::timeline_created;
}

void tell_monitor(const told_event& x, std::vector<monitor_message>& out) {
  if (!x.ok())
    return;
  if (x.timeline() == timeline_kind::log)
    return tell_log(x, out);
  if (x.timeline() == timeline_kind::counter)
    return tell_counter(x, out);
  auto first = passage(x), second = progress(x);
  auto to = x.run_became();
  if (to && is_ended(*to)) // the end comes last
    std::swap(first, second);
  for (auto* message : {&first, &second})
    if (*message)
      out.push_back(std::move(**message));
}

std::string log_entry(const monitor_message& x, const told_event& of,
                      const tenant_id& tenant) {
  object_writer out;
  out.text("id", x.id)
    .text("executionId", of.run())
    .text("tenantId", tenant.value)
    .raw("level", x.level)
    .raw("event", x.event)
    .raw("message", x.message)
    .raw("metadata", x.metadata.empty() ? x.payload : x.metadata)
    .text("createdAt", of.ts());
  return out.take();
}

} // namespace callboard
