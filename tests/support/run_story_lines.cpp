#include "tests/support/run_story.hpp"

#include <boost/json/serialize.hpp>

namespace callboard::test {

namespace json = boost::json;

namespace {

/// A string as it is, anything else as JSON; a missing member is "-".
std::string word(const json::object& x, std::string_view key) {
  auto found = x.if_contains(key);
  if (found == nullptr)
    return "-";
  if (auto text = found->if_string())
    return std::string{*text};
  return json::serialize(*found);
}

std::string words(std::string_view head, const json::object& x,
                  std::initializer_list<std::string_view> keys) {
  std::string out{head};
  for (auto key : keys)
    out += " " + word(x, key);
  return out;
}

} // namespace

std::string to_text(const run_stories& x) {
  std::string out;
  for (auto& [run, lines] : x)
    for (auto& line : lines)
      out += run + ": " + line + '\n';
  return out;
}

std::size_t lines_of(const run_stories& x) {
  std::size_t out = 0;
  for (auto& [run, lines] : x)
    out += lines.size();
  return out;
}

void add_node_message(run_stories& to, const json::object& x) {
  auto type = word(x, "type");
  std::string line;
  if (type == "execution:started")
    line = words(type, x, {"workflowName", "totalNodes"});
  else if (type == "execution:progress")
    line = words(type, x, {"completed", "total"});
  else if (type == "execution:completed")
    line = words(type, x, {"outputs", "duration"});
  else if (type == "execution:failed")
    line = words(type, x, {"error", "failedNodeId"});
  else if (type == "node:started")
    line = words(type, x, {"nodeId", "nodeName", "nodeType"});
  else if (type == "node:completed")
    line = words(type, x, {"nodeId", "output", "duration", "metadata"});
  else if (type == "node:failed")
    line = words(type, x, {"nodeId", "error"});
  else if (type == "node:retry")
    line = words(type, x, {"nodeId", "attempt", "error"});
  else if (type == "user:input:required")
    line = words(type, x, {"nodeId", "prompt"});
  else
    line = words(type, x, {"reason"});
  to[word(x, "executionId")].push_back(std::move(line));
}

void add_hub_message(run_stories& to, const json::object& message) {
  auto target = word(message, "target");
  auto& x = message.at("arguments").as_array().at(0).as_object();
  std::string line;
  if (target == "WorkflowStarted")
    line = words(target, x, {"workflowName"});
  else if (target == "TaskStarted")
    line = words(target, x, {"taskId", "taskName"});
  else if (target == "TaskCompleted")
    line
      = words(target, x,
              {"taskId", "taskName", "status", "output", "error", "duration"});
  else
    line = words(target, x,
                 {"workflowName", "status", "output", "error", "duration"});
  to[word(x, "executionId")].push_back(std::move(line));
}

void add_monitor_message(run_stories& to, std::string_view event,
                         const json::object& x) {
  std::string line;
  if (event == "execution:progress")
    line = words(event, x, {"progress"});
  else if (event == "execution:completed")
    line = words(event, x, {"status", "duration"});
  else if (event == "execution:failed")
    line = words(event, x, {"status", "error"});
  else if (event == "execution:log")
    line = words(event, x, {"level", "message"});
  else if (x.contains("count"))
    line = words(event, x, {"count"});
  else
    line = words(event, x, {"status"});
  to[word(x, "executionId")].push_back(std::move(line));
}

void add_phase_message(run_stories& to, const json::object& x) {
  auto line = word(x, "seq") + " " + word(x, "phase") + " " + word(x, "node");
  if (auto artifact = x.if_contains("artifact"))
    line += " " + word(artifact->as_object(), "id");
  else
    line += " " + word(x, "duration_ms") + " " + word(x, "metrics");
  to[word(x, "run_id")].push_back(std::move(line));
}

} // namespace callboard::test
