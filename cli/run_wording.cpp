#include "cli/run_wording.hpp"

#include "actors/model/event.hpp"
#include "cli/json_object.hpp"
#include "cli/pipeline.hpp"

#include <chrono>

namespace callboard {

std::string timestamp() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return iso8601(
    std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

std::string run_wording::definition(const pipeline& plan) const {
  const auto changes = json_object{}
                         .text("name", plan.name)
                         .raw("phases", json_texts(plan.phases))
                         .str();
  return event("workflow:definition:updated",
               json_object{}
                 .text("project_id", project_)
                 .text("definition_id", plan.definition)
                 .raw("changes", changes)
                 .str());
}

std::string run_wording::run_updated(std::string_view changes) const {
  return event("workflow:execution:updated", json_object{}
                                               .text("execution_id", run_)
                                               .text("project_id", project_)
                                               .raw("changes", changes)
                                               .str());
}

std::string run_wording::step_updated(std::string_view step,
                                      std::string_view changes) const {
  return event("workflow:execution:step:updated",
               json_object{}
                 .text("execution_id", run_)
                 .text("project_id", project_)
                 .text("step_id", step)
                 .raw("changes", changes)
                 .str());
}

std::string run_wording::timeline(std::string_view x) const {
  return event("workflow:execution:event:created",
               json_object{}
                 .text("execution_id", run_)
                 .text("project_id", project_)
                 .raw("event", x)
                 .str());
}

std::string run_wording::artifact(std::string_view x) const {
  return event("workflow:execution:artifact:created",
               json_object{}
                 .text("execution_id", run_)
                 .text("project_id", project_)
                 .raw("artifact", x)
                 .str());
}

std::string run_wording::stream(std::string_view step,
                                std::string_view chunk) const {
  return event("workflow:execution:step:stream", json_object{}
                                                   .text("execution_id", run_)
                                                   .text("project_id", project_)
                                                   .text("step_id", step)
                                                   .text("chunk", chunk)
                                                   .str());
}

std::string run_wording::event(std::string_view type,
                               std::string_view data) const {
  return json_object{}
    .text("type", type)
    .text("id", new_uuid7())
    .text("ts", timestamp())
    .raw("data", data)
    .str();
}

} // namespace callboard
