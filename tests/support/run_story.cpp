#include "tests/support/run_story.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <iomanip>
#include <sstream>
#include <utility>

namespace callboard::test {

namespace json = boost::json;

namespace {

std::string text(const json::object& x, std::string_view key,
                 std::string otherwise = {}) {
  auto found = x.if_contains(key);
  return found != nullptr && found->is_string()
           ? std::string{found->get_string()}
           : otherwise;
}

/// A string as it is, anything else as JSON; null or missing: `otherwise`.
std::string word(const json::object& x, std::string_view key,
                 std::string otherwise) {
  auto found = x.if_contains(key);
  if (found == nullptr || found->is_null())
    return otherwise;
  return found->is_string() ? std::string{found->get_string()}
                            : json::serialize(*found);
}

void merge(json::object& into, const json::object& changes) {
  for (auto& [key, value] : changes) {
    if (value.is_null())
      into.erase(key);
    else
      into[key] = value;
  }
}

std::int64_t millis(const std::string& time) {
  std::istringstream in{time};
  std::tm parts{};
  int ms = 0;
  char dot = 0;
  in >> std::get_time(&parts, "%Y-%m-%dT%H:%M:%S") >> dot >> ms;
  return static_cast<std::int64_t>(timegm(&parts)) * 1000 + ms;
}

std::string duration(const json::object& fields) {
  auto from = text(fields, "started_at"), to = text(fields, "completed_at");
  if (from.empty() || to.empty())
    return "0";
  return std::to_string(std::max<std::int64_t>(millis(to) - millis(from), 0));
}

bool ended(std::string_view status) {
  return status == "completed" || status == "failed" || status == "cancelled"
         || status == "skipped";
}

} // namespace

void native_teller::apply(const json::object& frame) {
  auto type = text(frame, "type");
  auto& data = frame.at("data").as_object();
  auto id = text(data, "execution_id");
  if (id.empty())
    return;
  auto& of = runs_[id];
  if (type == "workflow:execution:updated") {
    update_run(id, of, data.at("changes").as_object());
  } else if (type == "workflow:execution:step:updated") {
    update_step(id, of, text(data, "step_id"), data.at("changes").as_object());
  } else if (type == "workflow:execution:event:created") {
    add_event(id, of, data.at("event").as_object());
  } else if (type == "workflow:execution:artifact:created") {
    auto& artifact = data.at("artifact").as_object();
    auto from = text(artifact, "step_id");
    auto at = of.steps.find(from);
    auto name = from.empty()           ? std::string{"RUN"}
                : at == of.steps.end() ? from
                                       : text(at->second.fields, "name", from);
    phase[id].push_back(std::to_string(++of.phases) + " artifact " + name + " "
                        + text(artifact, "id"));
  }
}

std::string native_teller::progress(const run& of) const {
  auto completed = std::to_string(of.done);
  auto total = std::to_string(of.steps.size());
  if (auto given = of.fields.if_contains("progress")) {
    completed = word(given->as_object(), "completed", completed);
    total = word(given->as_object(), "total", total);
  }
  return completed + " " + total;
}

std::string native_teller::workflow(const run& of) const {
  if (auto own = text(of.fields, "workflow_name"); !own.empty())
    return own;
  auto found = definitions.find(text(of.fields, "workflow_definition_id"));
  return found != definitions.end() ? found->second : text(of.fields, "name");
}

void native_teller::begin(const std::string& id, run& of) {
  if (!std::exchange(of.begun, true))
    hub[id].push_back("WorkflowStarted " + workflow(of));
}

void native_teller::tell_progress(const std::string& id, run& of,
                                  const std::string& before) {
  auto now = progress(of);
  if (now == before)
    return;
  node[id].push_back("execution:progress " + now);
  auto space = now.find(' ');
  monitor[id].push_back(R"(execution:progress {"current":)"
                        + now.substr(0, space) + R"(,"total":)"
                        + now.substr(space + 1) + "}");
}

void native_teller::update_run(const std::string& id, run& of,
                               const json::object& changes) {
  auto before = progress(of);
  auto was_ended = ended(of.status);
  merge(of.fields, changes);
  auto from = std::exchange(of.status, text(changes, "status", of.status));
  auto reason = std::exchange(of.reason, {});
  auto plain = [&](const std::string& name, const std::string& status) {
    node[id].push_back(name + " " + (reason.empty() ? "-" : reason));
    monitor[id].push_back(name + " " + status);
  };
  auto moved = from != of.status;
  if (moved && of.status == "running") {
    if (!std::exchange(of.ran, true)) {
      begin(id, of);
      auto total = progress(of);
      node[id].push_back("execution:started " + workflow(of) + " "
                         + total.substr(total.find(' ') + 1));
      monitor[id].push_back("execution:started RUNNING");
    } else {
      plain("execution:resumed", "RUNNING");
    }
  } else if (moved && of.status == "paused") {
    plain("execution:paused", "PAUSED");
  }
  if (!was_ended)
    tell_progress(id, of, before);
  if (moved && of.status == "cancelled")
    plain("execution:cancelled", "CANCELLED");
  if (moved && ended(of.status))
    end_run(id, of);
}

void native_teller::end_run(const std::string& id, run& of) {
  auto took = duration(of.fields);
  auto error = word(of.fields, "error_message", "");
  auto failed = of.status == "failed";
  if (of.status == "completed") {
    node[id].push_back("execution:completed " + word(of.fields, "output", "{}")
                       + " " + took);
    monitor[id].push_back("execution:completed COMPLETED " + took);
  } else if (failed) {
    node[id].push_back("execution:failed " + error + " "
                       + (of.failed_step.empty() ? "-" : of.failed_step));
    monitor[id].push_back("execution:failed FAILED "
                          + word(of.fields, "error_message", "null"));
  }
  begin(id, of);
  auto completed = of.status == "completed";
  hub[id].push_back(
    "WorkflowCompleted " + workflow(of) + " "
    + (completed ? "Succeeded"
       : failed  ? "Failed"
                 : "Cancelled")
    + " " + word(of.fields, "output", "null") + " "
    + (completed ? "null" : word(of.fields, "error_message", "null")) + " "
    + took);
  phase[id].push_back(std::to_string(++of.phases)
                      + (completed ? " end" : " fail") + " RUN " + took + " "
                      + word(of.fields, "metrics", "{}"));
  of.ran = true;
}

void native_teller::update_step(const std::string& id, run& of,
                                const std::string& step_id,
                                const json::object& changes) {
  auto before = progress(of);
  auto& x = of.steps[step_id];
  merge(x.fields, changes);
  auto from = std::exchange(x.status, text(changes, "status", x.status));
  auto asks = x.status == "waiting" && x.fields.contains("input_request")
              && (from != x.status || changes.contains("input_request"));
  if (from != x.status)
    tell_step(id, of, step_id, x);
  if (asks)
    node[id].push_back(
      "user:input:required " + step_id + " "
      + text(x.fields.at("input_request").as_object(), "prompt"));
  if (!ended(of.status))
    tell_progress(id, of, before);
}

void native_teller::tell_step(const std::string& id, run& of,
                              const std::string& step_id, step& x) {
  auto name = text(x.fields, "name", step_id);
  auto error = word(x.fields, "error_message", "");
  auto took = duration(x.fields);
  auto metrics = " " + word(x.fields, "metrics", "{}");
  auto number = [&] { return std::to_string(++of.phases); };
  if (x.status == "running") {
    node[id].push_back("node:started " + step_id + " " + name + " "
                       + word(x.fields, "kind", "null"));
    phase[id].push_back(number() + " start " + name + " 0" + metrics);
  } else if (x.status == "completed") {
    node[id].push_back("node:completed " + step_id + " "
                       + word(x.fields, "output", "null") + " " + took + " "
                       + word(x.fields, "metadata", "-"));
    phase[id].push_back(number() + " end " + name + " " + took + metrics);
  } else if (x.status == "failed") {
    node[id].push_back("node:failed " + step_id + " " + error);
    phase[id].push_back(number() + " fail " + name + " " + took + metrics);
    of.failed_step = step_id;
  } else if (x.status == "retrying") {
    node[id].push_back("node:retry " + step_id + " "
                       + word(x.fields, "attempt", "1") + " " + error);
  }
  if (x.status == "completed" || x.status == "skipped")
    ++of.done;
  if (!ended(of.status))
    tell_task(id, of, step_id, x);
}

void native_teller::tell_task(const std::string& id, run& of,
                              const std::string& step_id, step& x) {
  auto starts = x.status == "running" && !x.open;
  if (!starts && !ended(x.status))
    return;
  begin(id, of);
  auto who = step_id + " " + text(x.fields, "name", step_id);
  auto began = std::exchange(x.open, x.status == "running");
  if (!began)
    hub[id].push_back("TaskStarted " + who);
  if (!ended(x.status))
    return;
  auto cancelled = x.status == "cancelled" && began;
  auto status = x.status == "completed"             ? "Succeeded"
                : x.status == "failed" || cancelled ? "Failed"
                                                    : "Skipped";
  auto error
    = word(x.fields, "error_message", cancelled ? "cancelled" : "null");
  hub[id].push_back("TaskCompleted " + who + " " + status + " "
                    + word(x.fields, "output", "null") + " "
                    + (x.status == "failed" || cancelled ? error : "null") + " "
                    + duration(x.fields));
}

void native_teller::add_event(const std::string& id, run& of,
                              const json::object& x) {
  auto kind = text(x, "kind");
  if (kind == "log")
    monitor[id].push_back("execution:log " + text(x, "level", "info") + " "
                          + word(x, "message", "null"));
  else if (kind == "counter")
    monitor[id].push_back("execution:" + text(x, "name") + " "
                          + json::serialize(x.at("count")));
  else if (kind == "command")
    of.reason = text(x, "reason"); // said with the change that follows
}

} // namespace callboard::test
