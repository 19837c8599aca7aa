#include "tests/support/event_fold.hpp"

#include <boost/json/serialize.hpp>

#include <set>
#include <span>
#include <stdexcept>

namespace callboard::test {

namespace json = boost::json;

namespace {

using names = std::set<std::string_view>;

const names run_fields{
  "name",          "status",     "current_phase", "workflow_definition_id",
  "workflow_name", "input",      "output",        "error_message",
  "progress",      "created_at", "started_at",    "completed_at"};

const names step_fields{"name",          "kind",       "phase",
                        "status",        "attempt",    "next_retry_at",
                        "input_request", "output",     "error_message",
                        "metrics",       "issues",     "metadata",
                        "created_at",    "started_at", "completed_at"};

/// What a detail has besides the fields that came with events.
const names run_members{
  "id",        "execution_id",        "project_id", "steps",
  "events",    "events_truncated",    "artifacts",  "counters",
  "room_seq",  "workflow_definition", "_count",     "retry_of",
  "updated_at"};

const names step_members{"id", "step_id", "execution_id", "project_id",
                         "updated_at"};

/// A detail holds so many of the timeline's latest events.
constexpr std::size_t latest_events = 1000;

void merge(json::object& fields, const json::object& changes,
           const names& known) {
  for (const auto& [key, value] : changes) {
    if (!value.is_null())
      fields[key] = value;
    else if (known.contains(key))
      fields[key] = nullptr;
    else
      fields.erase(key);
  }
}

std::string text_of(const json::object& x, std::string_view key) {
  return std::string{x.at(key).as_string()};
}

void report(std::string& out, std::string_view where, std::string_view key,
            const std::string& expected, const std::string& got) {
  out.append(where).append(".").append(key);
  out.append(": expected ").append(expected);
  out.append(", got ").append(got).append("\n");
}

void compare_fields(std::string& out, std::string_view where,
                    const json::object& expected, const json::object& got,
                    const names& known, const names& members) {
  for (const auto& [key, value] : expected) {
    const auto* there = got.if_contains(key);
    if (there == nullptr && value.is_null())
      continue;
    if (there == nullptr || *there != value)
      report(out, where, key, json::serialize(value),
             there ? json::serialize(*there) : "nothing");
  }
  for (const auto& [key, value] : got) {
    if (expected.contains(key) || members.contains(key)
        || (known.contains(key) && value.is_null()))
      continue;
    report(out, where, key, "nothing", json::serialize(value));
  }
}

/// Each expected object must be there, in order, with at least its members.
void compare_list(std::string& out, std::string_view where,
                  std::span<const json::object> expected,
                  const json::array& got) {
  if (expected.size() != got.size()) {
    report(out, where, "size", std::to_string(expected.size()),
           std::to_string(got.size()));
    return;
  }
  for (std::size_t i = 0; i < expected.size(); ++i) {
    for (const auto& [key, value] : expected[i]) {
      const auto* there = got[i].as_object().if_contains(key);
      if (there == nullptr || *there != value)
        report(out, where, key, json::serialize(value),
               there ? json::serialize(*there) : "nothing");
    }
  }
}

void compare_steps(std::string& out, const folded_run& run,
                   const json::array& steps) {
  std::set<std::string> seen;
  for (const auto& item : steps) {
    const auto& step = item.as_object();
    const auto id = text_of(step, "id");
    const auto found = run.steps.find(id);
    if (found == run.steps.end() || !seen.insert(id).second) {
      report(out, "steps", id, "nothing (more)", json::serialize(step));
      continue;
    }
    compare_fields(out, "steps." + id, found->second.fields, step, step_fields,
                   step_members);
  }
  if (seen.size() != run.steps.size())
    report(out, "steps", "size", std::to_string(run.steps.size()),
           std::to_string(seen.size()));
}

std::int64_t counter_value(const json::value& x) {
  return x.is_object() ? x.as_object().at("count").to_number<std::int64_t>()
                       : x.to_number<std::int64_t>();
}

} // namespace

void event_fold::apply(const json::object& frame) {
  const auto seq = frame.at("seq").to_number<std::uint64_t>();
  if (seq != through_ + 1)
    throw std::runtime_error{"seq " + std::to_string(seq) + " after "
                             + std::to_string(through_)};
  through_ = seq;
  const auto type = text_of(frame, "type");
  if (!type.starts_with("workflow:execution:"))
    return;
  const auto& data = frame.at("data").as_object();
  auto& run = runs_[text_of(data, "execution_id")];
  if (run.fields.empty()) {
    run.fields["status"] = "pending";
    // Unless it says otherwise itself, in `changes`.
    run.fields["created_at"] = frame.at("ts");
  }
  if (type == "workflow:execution:updated") {
    merge(run.fields, data.at("changes").as_object(), run_fields);
  } else if (type == "workflow:execution:step:updated") {
    auto& step = run.steps[text_of(data, "step_id")];
    if (step.fields.empty())
      step.fields["status"] = "pending";
    merge(step.fields, data.at("changes").as_object(), step_fields);
  } else if (type == "workflow:execution:event:created") {
    const auto& event = data.at("event").as_object();
    run.events.push_back(event);
    if (text_of(event, "kind") == "counter")
      run.counters[text_of(event, "name")]
        += event.at("count").to_number<std::int64_t>();
  } else if (type == "workflow:execution:artifact:created") {
    run.artifacts.push_back(data.at("artifact").as_object());
  }
}

std::string differences(const json::object& detail, const folded_run& run) {
  std::string out;
  compare_fields(out, "run", run.fields, detail, run_fields, run_members);
  compare_steps(out, run, detail.at("steps").as_array());
  std::span<const json::object> events{run.events};
  if (const auto* cut = detail.if_contains("events_truncated");
      cut != nullptr && *cut == true && events.size() > latest_events)
    events = events.last(latest_events);
  compare_list(out, "events", events, detail.at("events").as_array());
  compare_list(out, "artifacts", run.artifacts,
               detail.at("artifacts").as_array());
  std::map<std::string, std::int64_t> counters;
  for (const auto& [name, value] : detail.at("counters").as_object())
    counters[name] = counter_value(value);
  if (counters != run.counters)
    out += "counters differ: " + json::serialize(detail.at("counters")) + "\n";
  return out;
}

} // namespace callboard::test
