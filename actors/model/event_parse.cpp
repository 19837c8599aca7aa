#include "actors/model/event.hpp"
#include "actors/model/event_checks.hpp"

#include <array>

namespace callboard {
namespace {

using json::kind;

constexpr std::string_view canonical_prefix = "workflow:";

struct canonical_type {
  std::string_view name;
  event_type type;
};

constexpr std::array<canonical_type, 6> canonical_types{{
  {"workflow:execution:updated", event_type::run_updated},
  {"workflow:execution:step:updated", event_type::step_updated},
  {"workflow:execution:event:created", event_type::timeline_created},
  {"workflow:execution:artifact:created", event_type::artifact_created},
  {"workflow:execution:step:stream", event_type::step_stream},
  {"workflow:definition:updated", event_type::definition_updated},
}};

constexpr auto type_bytes = [] {
  std::array<bool, 256> xs{};
  for (char c : std::string_view{"abcdefghijklmnopqrstuvwxyz0123456789._-"})
    xs[static_cast<unsigned char>(c)] = true;
  return xs;
}();

/// Two or more parts, joined by colons. A word alone would look like the
/// server's own frames (`connected`, `lagged`).
bool valid_custom_type(std::string_view text) noexcept {
  std::size_t colons = 0;
  char last = ':';
  for (char c : text) {
    if (c == ':' ? last == ':' : !type_bytes[static_cast<unsigned char>(c)])
      return false;
    colons += c == ':';
    last = c;
  }
  return colons > 0 && last != ':';
}

/// Reads one event object into a draft.
class event_reader {
public:
  event_reader(event_draft& draft, const project_id& project,
               const event_limits& limits) noexcept
      : draft_{draft}, project_{project}, limits_{limits} {
    // nop
  }

  result<void> read(json::value object);

private:
  result<void> top_members(json::value object);
  result<void> read_type(json::value type);
  result<void> read_scope(json::value scope);
  result<void> read_ephemeral(json::value flag);
  result<void> read_ts(json::value ts);
  result<void> read_data(json::value data);
  result<void> data_member(std::string_view key, json::value val);
  result<void> check_data() const;
  result<void> read_body();

  bool of_run() const noexcept {
    return draft_.type != event_type::definition_updated
           && draft_.type != event_type::custom;
  }
  bool of_step() const noexcept {
    return draft_.type == event_type::step_updated
           || draft_.type == event_type::step_stream;
  }
  /// The member of `data` that is the event's body; empty: none.
  std::string_view body_key() const noexcept;

  event_draft& draft_;
  const project_id& project_;
  const event_limits& limits_;
  std::optional<json::value> type_, data_, ephemeral_, scope_, body_;
  bool has_chunk_ = false;
};

result<void> event_reader::read(json::value object) {
  if (!object.is(kind::object))
    return bad_value("", object.raw(),
                     R"(send an object with "type" and "data")");
  if (object.raw().size() > limits_.max_event_bytes)
    return fail(errc::too_large, "the event has "
                                   + std::to_string(object.raw().size())
                                   + " bytes: send at most "
                                   + std::to_string(limits_.max_event_bytes));
  if (auto ok = top_members(object); !ok)
    return ok;
  if (!type_)
    return missing("/type", "name what happened, such as "
                            "\"workflow:execution:updated\"");
  if (auto ok = read_type(*type_); !ok)
    return ok;
  if (scope_)
    if (auto ok = read_scope(*scope_); !ok)
      return ok;
  if (ephemeral_)
    if (auto ok = read_ephemeral(*ephemeral_); !ok)
      return ok;
  if (draft_.type == event_type::step_stream)
    draft_.delivery = event_delivery::ephemeral;
  if (draft_.type != event_type::custom) {
    if (!data_)
      return missing("/data", "send an object with what happened");
    if (auto ok = read_data(*data_); !ok)
      return ok;
  }
  if (data_)
    draft_.data = data_->raw();
  if (!draft_.id_given)
    draft_.id.value = new_uuid7();
  return {};
}

result<void> event_reader::top_members(json::value object) {
  std::string buffer;
  for (auto [name, val] : object.members()) {
    auto key = text_of(name, buffer);
    if (key == "type") {
      type_ = val;
    } else if (key == "data") {
      data_ = val;
    } else if (key == "id") {
      draft_.id_given = true;
      if (auto ok = read_id(draft_.id.value, val, "/id"); !ok)
        return ok;
    } else if (key == "ts") {
      if (auto ok = read_ts(val); !ok)
        return ok;
    } else if (key == "ephemeral") {
      ephemeral_ = val;
    } else if (key == "scope") {
      scope_ = val;
    }
  }
  return {};
}

result<void> event_reader::read_type(json::value type) {
  // Types need no escapes; plain ones can be passed on without a copy.
  auto text = type.plain_string();
  if (!text || text->empty())
    return bad_value("/type", type.raw(), "send a string without escapes");
  draft_.type_name = *text;
  if (text->size() > limits_.max_type_bytes)
    return bad_value("/type", type.raw(),
                     "send at most " + std::to_string(limits_.max_type_bytes)
                       + " bytes");
  if (text->starts_with(canonical_prefix)) {
    for (const auto& x : canonical_types)
      if (x.name == *text) {
        draft_.type = x.type;
        return {};
      }
    std::string known;
    for (const auto& x : canonical_types)
      known += (known.empty() ? "" : ", ") + std::string{x.name};
    return bad_value("/type", type.raw(),
                     "send one of " + known
                       + ", or a type of your own outside \"workflow:\"");
  }
  if (!valid_custom_type(*text))
    return bad_value("/type", type.raw(),
                     "send two or more parts of a-z 0-9 . _ - joined by "
                     "colons, such as \"kb:document:completed\"");
  draft_.type = event_type::custom;
  return {};
}

result<void> event_reader::read_scope(json::value scope) {
  auto text = scope.plain_string();
  if (text == "project")
    return {};
  if (text != "tenant")
    return bad_value("/scope", scope.raw(),
                     R"(send "project" or "tenant", or leave it out)");
  if (draft_.type != event_type::custom)
    return bad_value("/scope", scope.raw(),
                     "only custom events go to the whole tenant; leave it out");
  draft_.scope = event_scope::tenant;
  return {};
}

result<void> event_reader::read_ephemeral(json::value flag) {
  auto on = flag.boolean();
  if (!on)
    return bad_value("/ephemeral", flag.raw(), "send true or false");
  if (!*on && draft_.type == event_type::step_stream)
    return bad_value("/ephemeral", flag.raw(),
                     "streams are never stored; leave it out or send true");
  if (*on)
    draft_.delivery = event_delivery::ephemeral;
  return {};
}

result<void> event_reader::read_ts(json::value ts) {
  auto text = ts.plain_string();
  if (!text || !parse_iso8601(*text))
    return bad_value("/ts", ts.raw(),
                     "send a time in ISO 8601 such as "
                     "\"2026-01-02T03:04:05.678Z\", or leave it out");
  draft_.ts = *text;
  return {};
}

std::string_view event_reader::body_key() const noexcept {
  switch (draft_.type) {
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

result<void> event_reader::read_data(json::value data) {
  if (!data.is(kind::object))
    return bad_value("/data", data.raw(), "send an object");
  std::string buffer;
  for (auto [name, val] : data.members())
    if (auto ok = data_member(text_of(name, buffer), val); !ok)
      return ok;
  if (auto ok = check_data(); !ok)
    return ok;
  return body_ ? read_body() : result<void>{};
}

result<void> event_reader::data_member(std::string_view key, json::value val) {
  if (key == "execution_id" && of_run())
    return read_id(draft_.run.value, val, "/data/execution_id");
  if (key == "step_id" && of_step())
    return read_id(draft_.step.value, val, "/data/step_id");
  if (key == "definition_id" && draft_.type == event_type::definition_updated)
    return read_id(draft_.definition.value, val, "/data/definition_id");
  if (key == "project_id") {
    draft_.has_project_id = true;
    std::string buffer;
    if (!val.is(kind::string) || text_of(val, buffer) != project_.value)
      return bad_value("/data/project_id", val.raw(),
                       "the call is for project \"" + project_.value
                         + "\"; send the same or leave it out");
  } else if (key == "chunk") {
    has_chunk_ = true;
  } else if (!key.empty() && key == body_key()) {
    body_ = val;
  }
  return {};
}

result<void> event_reader::check_data() const {
  if (of_run() && draft_.run.empty())
    return missing("/data/execution_id", "say which run the event belongs to");
  if (of_step() && draft_.step.empty())
    return missing("/data/step_id", "say which step the event belongs to");
  if (draft_.type == event_type::definition_updated
      && draft_.definition.empty())
    return missing("/data/definition_id", "say which definition has changed");
  if (draft_.type == event_type::step_stream && !has_chunk_)
    return missing("/data/chunk", "send the next piece of the stream");
  auto key = body_key();
  auto pointer = "/data/" + std::string{key};
  if (!key.empty() && !body_)
    return missing(pointer, "send an object with what happened");
  if (body_ && !body_->is(kind::object))
    return bad_value(pointer, body_->raw(), "send an object");
  return {};
}

result<void> event_reader::read_body() {
  draft_.body = body_->raw();
  switch (draft_.type) {
  case event_type::run_updated:
    return check_run_changes(draft_, *body_, "/data/changes");
  case event_type::step_updated:
    return check_step_changes(draft_, *body_, "/data/changes");
  case event_type::definition_updated:
    return check_definition_changes(*body_, "/data/changes");
  case event_type::timeline_created:
    return check_timeline_event(draft_, *body_, "/data/event");
  case event_type::artifact_created:
    return check_artifact(draft_, *body_, "/data/artifact");
  case event_type::step_stream:
  case event_type::custom:
    return {};
  }
  return {};
}

} // namespace

result<event_draft> parse_event(json::value object, const shared_bytes& source,
                                const project_id& project,
                                const event_limits& limits) {
  result<event_draft> draft{tl::in_place};
  draft->source = source;
  if (auto ok = event_reader{*draft, project, limits}.read(object); !ok)
    draft = tl::unexpected<problem>{std::move(ok.error())};
  return draft;
}

bool type_matches(std::string_view pattern, std::string_view type) noexcept {
  if (!pattern.ends_with('*'))
    return pattern == type;
  pattern.remove_suffix(1);
  return type.starts_with(pattern);
}

} // namespace callboard
