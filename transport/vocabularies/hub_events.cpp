#include "actors/model/object_writer.hpp"
#include "actors/model/told_event.hpp"
#include "transport/vocabularies/vocabulary.hpp"

// Contract 3. Choices where it is silent are in docs/vocabularies/signalr.md.

namespace callboard {

namespace {

using json::object_writer;

class hub_vocabulary : public vocabulary {
public:
  std::string_view name() const noexcept override {
    return "signalr";
  }

  std::size_t index() const noexcept override {
    return 2;
  }

  void say(const posted_event& event,
           std::vector<std::string>& out) const override;
};

std::string invocation(std::string_view target, object_writer& argument) {
  object_writer out;
  out.number("type", 1)
    .text("target", target)
    .raw("arguments", "[" + argument.take() + "]");
  return out.take();
}

object_writer start(const told_event& x) {
  object_writer out;
  out.text("executionId", x.run());
  return out;
}

std::string workflow_started(const told_event& x) {
  auto out = start(x);
  out.raw("workflowName", x.workflow()).text("timestamp", x.ts());
  return invocation("WorkflowStarted", out);
}

std::string workflow_completed(const told_event& x, run_status to) {
  auto out = start(x);
  out.raw("workflowName", x.workflow())
    .text("status", to == run_status::completed ? "Succeeded"
                    : to == run_status::failed  ? "Failed"
                                                : "Cancelled")
    .raw("output", x.field("output"))
    .raw("error", to == run_status::completed ? std::string_view{}
                                              : x.field("error_message"))
    .number("duration", x.duration_ms())
    .text("timestamp", x.ts());
  return invocation("WorkflowCompleted", out);
}

object_writer of_task(const told_event& x) {
  auto out = start(x);
  out.text("taskId", x.step()).text("taskName", x.text("name", x.step()));
  return out;
}

std::string task_started(const told_event& x) {
  auto out = of_task(x);
  out.text("timestamp", x.ts());
  return invocation("TaskStarted", out);
}

/// A task that was cancelled before it began was skipped; one that was under
/// way did not succeed.
std::string_view task_status(step_status x, bool began) noexcept {
  switch (x) {
  case step_status::completed:
    return "Succeeded";
  case step_status::skipped:
    return "Skipped";
  case step_status::cancelled:
    return began ? "Failed" : "Skipped";
  case step_status::failed:
  case step_status::pending:
  case step_status::running:
  case step_status::waiting:
  case step_status::retrying:
    return "Failed";
  }
  return "Failed";
}

std::string task_completed(const told_event& x, step_status to, bool began) {
  auto status = task_status(to, began);
  auto error
    = status == "Failed" ? x.field("error_message") : std::string_view{};
  if (to == step_status::cancelled && began && error.empty())
    error = R"("cancelled")";
  auto out = of_task(x);
  out.text("status", status)
    .raw("output", x.field("output"))
    .raw("error", error)
    .number("duration", x.duration_ms())
    .text("timestamp", x.ts());
  return invocation("TaskCompleted", out);
}

void hub_vocabulary::say(const posted_event& event,
                         std::vector<std::string>& out) const {
  auto type = type_of(event.type_name);
  if (type != event_type::run_updated && type != event_type::step_updated)
    return;
  told_event x{event};
  if (!x.ok())
    return;
  if (x.begins())
    out.push_back(workflow_started(x));
  if (auto task = x.task(); !task.empty()) {
    if (task != "end")
      out.push_back(task_started(x));
    if (auto to = x.step_became(); to && task != "start")
      out.push_back(task_completed(x, *to, task == "end"));
  }
  if (auto to = x.run_became(); to && is_ended(*to))
    out.push_back(workflow_completed(x, *to));
}

} // namespace

const vocabulary& hub_events() noexcept {
  static const hub_vocabulary it;
  return it;
}

} // namespace callboard
