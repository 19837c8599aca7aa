#include "actors/model/told_event.hpp"

#include <algorithm>

namespace callboard {
namespace {

using json::kind;

std::string string_of(std::optional<json::value> x) {
  return x && x->is(kind::string) ? x->string() : std::string{};
}

/// Raw, or empty for what is missing or null.
std::string_view set_raw(std::optional<json::value> x) noexcept {
  return x && !x->is(kind::null) ? x->raw() : std::string_view{};
}

std::string_view body_key(event_type type) noexcept {
  switch (type) {
  case event_type::run_updated:
  case event_type::step_updated:
  case event_type::definition_updated:
    return "changes";
  case event_type::timeline_created:
    return "event";
  case event_type::artifact_created:
    return "artifact";
  case event_type::step_stream:
  case event_type::custom:
    return {};
  }
  return {};
}

} // namespace

event_type type_of(std::string_view name) noexcept {
  constexpr std::string_view prefix = "workflow:";
  if (!name.starts_with(prefix))
    return event_type::custom;
  name.remove_prefix(prefix.size());
  if (name == "execution:updated")
    return event_type::run_updated;
  if (name == "execution:step:updated")
    return event_type::step_updated;
  if (name == "execution:event:created")
    return event_type::timeline_created;
  if (name == "execution:artifact:created")
    return event_type::artifact_created;
  if (name == "execution:step:stream")
    return event_type::step_stream;
  if (name == "definition:updated")
    return event_type::definition_updated;
  return event_type::custom;
}

told_event::told_event(const posted_event& x)
    : event_{x}, type_{type_of(x.type_name)} {
  if (!x.frame || !frame_doc_.reset(*x.frame)
      || !frame_doc_.root().is(kind::object))
    return;
  auto frame = frame_doc_.root();
  auto data = frame.find("data");
  if (!data)
    return;
  body_ = data;
  if (auto key = body_key(type_); !key.empty()) {
    body_ = data->find(key);
    if (!body_)
      return;
  }
  id_ = string_of(frame.find("id"));
  ts_ = string_of(frame.find("ts"));
  of_tenant_ = string_of(frame.find("room")).starts_with("tenant:");
  data_ = data;
  if (x.facts && facts_doc_.reset(*x.facts)) {
    facts_ = facts_doc_.root();
    fields_ = facts_->find("fields");
  }
}

timeline_kind told_event::timeline() const {
  if (type_ != event_type::timeline_created)
    return timeline_kind::none;
  auto word = string_of(body_->find("kind"));
  return word == "log"       ? timeline_kind::log
         : word == "counter" ? timeline_kind::counter
                             : timeline_kind::other;
}

std::int64_t told_event::ts_ms() const noexcept {
  return parse_iso8601(ts_).value_or(0);
}

std::optional<json::value> told_event::fact(std::string_view name) const {
  return facts_ ? facts_->find(name) : std::nullopt;
}

std::string_view told_event::raw_fact(std::string_view name) const {
  return set_raw(fact(name));
}

bool told_event::moved() const {
  return is_old() || fact("was");
}

std::optional<run_status> told_event::run_became() const {
  if (type_ != event_type::run_updated || !moved())
    return std::nullopt;
  return parse_run_status(string_of(body_->find("status")));
}

std::optional<step_status> told_event::step_became() const {
  if (type_ != event_type::step_updated || !moved())
    return std::nullopt;
  return parse_step_status(string_of(body_->find("status")));
}

std::string_view told_event::field(std::string_view name) const {
  if (auto own = body_->find(name))
    return set_raw(own);
  return fields_ ? set_raw(fields_->find(name)) : std::string_view{};
}

std::string told_event::text(std::string_view name,
                             std::string_view otherwise) const {
  auto own = body_->find(name);
  if (!own && fields_)
    own = fields_->find(name);
  auto out = string_of(own);
  return out.empty() ? std::string{otherwise} : out;
}

bool told_event::is_first_start() const {
  if (run_became() != run_status::running)
    return false;
  return is_old() ? body_->find("started_at").has_value()
                  : fact("first").has_value();
}

bool told_event::resumes() const {
  if (run_became() != run_status::running || is_first_start())
    return false;
  return is_old() || string_of(fact("was")) != to_string(run_status::pending);
}

bool told_event::begins() const {
  return is_old() ? is_first_start() : fact("begins").has_value();
}

std::string_view told_event::task() const {
  if (!is_old()) {
    auto raw = raw_fact("task");
    return raw.size() > 2 ? raw.substr(1, raw.size() - 2) : raw;
  }
  auto to = step_became();
  if (!to || !(is_ended(*to) || to == step_status::running))
    return {};
  return is_ended(*to) ? "end" : "start";
}

bool told_event::asks() const {
  if (!is_old())
    return fact("asks").has_value();
  return step_became() == step_status::waiting
         && !field("input_request").empty();
}

std::string_view told_event::workflow() const {
  if (auto known = raw_fact("workflow"); !known.empty())
    return known;
  if (auto own = field("workflow_name"); !own.empty())
    return own;
  auto name = field("name");
  return name.empty() ? R"("")" : name;
}

std::string_view told_event::nodes() const {
  auto known = raw_fact("nodes");
  if (known.empty())
    if (auto given = body_->find("progress"))
      known = set_raw(given->find("total"));
  return known.empty() ? "0" : known;
}

std::string_view told_event::failed_step() const {
  return raw_fact("failed_step");
}

std::string_view told_event::reason() const {
  auto known = raw_fact("reason");
  return known.empty() ? field("reason") : known;
}

std::string_view told_event::node() const {
  if (auto name = raw_fact("node"); !name.empty())
    return name;
  if (auto id = set_raw(data_->find("step_id")); !id.empty())
    return id;
  return field("step_id");
}

std::uint64_t told_event::phase() const {
  auto number = fact("phase");
  return number ? static_cast<std::uint64_t>(
           std::max<std::int64_t>(number->integer().value_or(0), 0))
                : 0;
}

std::optional<told_event::progress_numbers> told_event::progress() const {
  progress_numbers out;
  if (auto pair = fact("progress"); pair && pair->size() == 2) {
    auto items = pair->items();
    auto at = items.begin();
    out.completed = (*at).raw();
    out.total = (*++at).raw();
    return out;
  }
  if (!is_old() || type_ != event_type::run_updated)
    return std::nullopt;
  auto given = body_->find("progress");
  if (!given)
    return std::nullopt;
  auto completed = given->find("completed"), total = given->find("total");
  if (!completed || !completed->is(kind::number) || !total
      || !total->is(kind::number))
    return std::nullopt;
  return progress_numbers{completed->raw(), total->raw()};
}

std::int64_t told_event::duration_ms() const {
  auto began = parse_iso8601(text("started_at"));
  auto ended = parse_iso8601(text("completed_at"));
  return began && ended ? std::max<std::int64_t>(*ended - *began, 0) : 0;
}

} // namespace callboard
