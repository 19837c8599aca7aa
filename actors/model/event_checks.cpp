#include "actors/model/event_checks.hpp"

#include "actors/model/utf8.hpp"

#include <algorithm>

namespace callboard {
namespace {

using json::kind;

/// "/data/changes/status" as people write it: data.changes.status.
std::string field_name(std::string_view pointer) {
  if (pointer.empty())
    return "the event";
  std::string out{pointer.substr(1)};
  std::replace(out.begin(), out.end(), '/', '.');
  return out;
}

/// Checks the known fields of one object; remembers its pointer.
class field_checker {
public:
  explicit field_checker(std::string_view pointer) noexcept
      : pointer_{pointer} {
    // nop
  }

  tl::unexpected<problem> refuse(std::string_view key, json::value val,
                                 std::string_view remedy) const {
    return bad_value(at(key), val.raw(), remedy);
  }

  std::string at(std::string_view key) const {
    std::string out{pointer_};
    out += '/';
    out += key;
    return out;
  }

  /// A time or null; notes that it was sent and whether it was null.
  result<void> time(std::string_view key, json::value val, bool& sent,
                    bool* cleared = nullptr) const {
    sent = true;
    if (val.is(kind::null)) {
      if (cleared != nullptr)
        *cleared = true;
      return {};
    }
    std::string buffer;
    if (!val.is(kind::string) || !parse_iso8601(text_of(val, buffer)))
      return refuse(key, val,
                    "send a time in ISO 8601 such as "
                    "\"2026-01-02T03:04:05.678Z\", or null");
    return {};
  }

  result<void> string_or_null(std::string_view key, json::value val) const {
    if (val.is(kind::string) || val.is(kind::null))
      return {};
    return refuse(key, val, "send a string or null");
  }

  result<void> object_or_null(std::string_view key, json::value val) const {
    if (val.is(kind::object) || val.is(kind::null))
      return {};
    return refuse(key, val, "send an object or null");
  }

  result<void> id(std::string_view key, json::value val) const {
    std::string ignored;
    if (val.is(kind::string) && valid_id(text_of(val, ignored)))
      return {};
    return read_id(ignored, val, at(key));
  }

  result<void> id_or_null(std::string_view key, json::value val) const {
    return val.is(kind::null) ? result<void>{} : id(key, val);
  }

private:
  std::string_view pointer_;
};

/// Calls `check(key, value)` for each member until one is refused.
template <class Check>
result<void> for_each_member(json::value object, Check check) {
  std::string buffer;
  for (auto [key, val] : object.members())
    if (result<void> ok = check(text_of(key, buffer), val); !ok)
      return ok;
  return {};
}

} // namespace

std::string shortened(std::string_view raw) {
  constexpr std::size_t max_bytes = 64;
  if (raw.size() <= max_bytes)
    return std::string{raw};
  return std::string{raw.substr(0, utf8_cut(raw.data(), max_bytes))} + "…";
}

tl::unexpected<problem> bad_value(std::string_view pointer,
                                  std::string_view raw,
                                  std::string_view remedy) {
  return fail(errc::invalid,
              field_name(pointer) + " is " + shortened(raw) + ": "
                + std::string{remedy},
              std::string{pointer});
}

tl::unexpected<problem> missing(std::string_view pointer,
                                std::string_view remedy) {
  return fail(errc::invalid,
              field_name(pointer) + " is missing: " + std::string{remedy},
              std::string{pointer});
}

std::string_view text_of(json::value string, std::string& buffer) {
  if (auto text = string.plain_string())
    return *text;
  buffer = string.string();
  return buffer;
}

result<void> read_id(std::string& out, json::value id,
                     std::string_view pointer) {
  if (id.is(kind::string)) {
    if (auto text = id.plain_string())
      out = *text;
    else
      out = id.string();
    if (valid_id(out))
      return {};
  }
  return bad_value(pointer, id.raw(),
                   "send a string of 1 to 128 of A-Z a-z 0-9 . _ : -");
}

result<void> check_run_changes(event_draft& draft, json::value changes,
                               std::string_view pointer) {
  field_checker is{pointer};
  return for_each_member(
    changes, [&](std::string_view key, json::value val) -> result<void> {
      if (key == "status") {
        std::string buffer;
        if (val.is(kind::string))
          draft.run_status_to = parse_run_status(text_of(val, buffer));
        if (!draft.run_status_to)
          return is.refuse(key, val,
                           "send one of \"pending\", \"running\", \"paused\", "
                           "\"completed\", \"failed\", \"cancelled\"");
        return {};
      }
      if (key == "created_at")
        return is.time(key, val, draft.has_created_at);
      if (key == "started_at")
        return is.time(key, val, draft.has_started_at,
                       &draft.clears_started_at);
      if (key == "completed_at")
        return is.time(key, val, draft.has_completed_at,
                       &draft.clears_completed_at);
      if (key == "workflow_definition_id" || key == "retry_of")
        return is.id_or_null(key, val);
      if (key == "progress")
        return is.object_or_null(key, val);
      if (key == "name" || key == "current_phase" || key == "workflow_name")
        return is.string_or_null(key, val);
      return {};
    });
}

result<void> check_step_changes(event_draft& draft, json::value changes,
                                std::string_view pointer) {
  field_checker is{pointer};
  return for_each_member(
    changes, [&](std::string_view key, json::value val) -> result<void> {
      if (key == "status") {
        std::string buffer;
        if (val.is(kind::string))
          draft.step_status_to = parse_step_status(text_of(val, buffer));
        if (!draft.step_status_to)
          return is.refuse(key, val,
                           "send one of \"pending\", \"running\", \"waiting\", "
                           "\"retrying\", \"completed\", \"failed\", "
                           "\"skipped\", \"cancelled\"");
        return {};
      }
      if (key == "created_at")
        return is.time(key, val, draft.has_created_at);
      if (key == "started_at")
        return is.time(key, val, draft.has_started_at,
                       &draft.clears_started_at);
      if (key == "completed_at")
        return is.time(key, val, draft.has_completed_at,
                       &draft.clears_completed_at);
      if (bool sent = false; key == "next_retry_at")
        return is.time(key, val, sent);
      if (key == "input_request") {
        draft.input_request = val.raw();
        return is.object_or_null(key, val);
      }
      if (key == "attempt" && !val.is(kind::null) && !val.integer())
        return is.refuse(key, val, "send an integer or null");
      if (key == "name" || key == "kind" || key == "phase")
        return is.string_or_null(key, val);
      return {};
    });
}

result<void> check_definition_changes(json::value changes,
                                      std::string_view pointer) {
  field_checker is{pointer};
  return for_each_member(
    changes, [&](std::string_view key, json::value val) -> result<void> {
      if (key == "name")
        return is.string_or_null(key, val);
      if (key == "phases" && !val.is(kind::array) && !val.is(kind::null))
        return is.refuse(key, val, "send an array or null");
      if (key == "deleted" && !val.is(kind::boolean))
        return is.refuse(key, val, "send true or false");
      return {};
    });
}

result<void> check_timeline_event(event_draft& draft, json::value event,
                                  std::string_view pointer) {
  field_checker is{pointer};
  std::optional<json::value> name, count;
  auto ok = for_each_member(
    event, [&](std::string_view key, json::value val) -> result<void> {
      if (key == "id") {
        draft.has_body_id = true;
        return is.id(key, val);
      }
      if (key == "created_at")
        return is.time(key, val, draft.has_created_at);
      if (key == "kind") {
        std::string buffer;
        if (!val.is(kind::string) || val.raw() == "\"\"")
          return is.refuse(key, val,
                           "send a word such as \"annotation\", \"log\", "
                           "\"counter\", \"phase_completed\"");
        auto word = text_of(val, buffer);
        draft.timeline = word == "log"       ? timeline_kind::log
                         : word == "counter" ? timeline_kind::counter
                                             : timeline_kind::other;
        return {};
      }
      if (key == "name")
        name = val;
      else if (key == "count")
        count = val;
      return {};
    });
  if (!ok)
    return ok;
  if (draft.timeline == timeline_kind::none)
    return missing(is.at("kind"),
                   R"(send a word such as "annotation", "log", "counter")");
  if (draft.timeline != timeline_kind::counter)
    return {};
  if (!name)
    return missing(is.at("name"), "say which counter it is, as a string");
  if (!name->is(kind::string) || name->raw() == "\"\"")
    return is.refuse("name", *name, "name the counter by a string");
  if (!count)
    return missing(is.at("count"), "send the number to add to the counter");
  if (!count->is(kind::number))
    return is.refuse("count", *count, "send a number to add to the counter");
  return {};
}

result<void> check_artifact(event_draft& draft, json::value artifact,
                            std::string_view pointer) {
  field_checker is{pointer};
  return for_each_member(
    artifact, [&](std::string_view key, json::value val) -> result<void> {
      if (key == "id") {
        draft.has_body_id = true;
        return is.id(key, val);
      }
      if (key == "created_at")
        return is.time(key, val, draft.has_created_at);
      if (key == "name" || key == "kind")
        return is.string_or_null(key, val);
      return {};
    });
}

} // namespace callboard
