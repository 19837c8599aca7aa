#include "cli/run_report.hpp"

#include "actors/model/event.hpp"
#include "cli/json_object.hpp"

#include <algorithm>
#include <cstdio>

namespace callboard {

namespace {

std::string at_text(pipeline_schedule::time_point x) {
  return iso8601(
    std::chrono::duration_cast<std::chrono::milliseconds>(x.time_since_epoch())
      .count());
}

std::string seconds(std::chrono::milliseconds x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s",
                static_cast<double>(x.count()) / 1000);
  return text;
}

} // namespace

run_report::run_report(const pipeline& plan, run_wording events, outbox& to,
                       terminal shown)
    : plan_{plan}, events_{std::move(events)}, to_{to}, shown_{shown} {
  // nop
}

void run_report::say(std::string_view what, std::string_view detail) {
  if (shown_ == terminal::silent)
    return;
  const auto now = timestamp().substr(11, 8);
  std::printf("[%s] %-14.*s %.*s\n", now.c_str(), static_cast<int>(what.size()),
              what.data(), static_cast<int>(detail.size()), detail.data());
  std::fflush(stdout);
}

void run_report::publish_status(std::size_t step, step_status status,
                                std::string_view more_changes) {
  std::string changes = "{\"status\":\"" + std::string{to_string(status)} + '"';
  if (more_changes.size() > 2) // more than {}
    changes.append(",").append(more_changes.substr(1));
  else
    changes += '}';
  to_.push(events_.step_updated(plan_.steps[step].id, changes));
}

void run_report::steps_known() {
  for (std::size_t i = 0; i < plan_.steps.size(); ++i) {
    const auto& step = plan_.steps[i];
    json_object more;
    more.text("name", step.name)
      .text("kind", step.run.empty() ? "input" : "shell");
    if (!step.phase.empty())
      more.text("phase", step.phase);
    more.raw("metadata",
             json_object{}.raw("needs", json_texts(step.needs)).str());
    publish_status(i, step_status::pending, more.str());
  }
}

void run_report::step_started(std::size_t step, std::uint32_t attempt) {
  json_object more;
  more.number("attempt", attempt);
  if (attempt > 1)
    more.raw("next_retry_at", "null").raw("error_message", "null");
  if (plan_.steps[step].input)
    more.raw("input_request", "null");
  publish_status(step, step_status::running, more.str());
  say(plan_.steps[step].id,
      attempt > 1 ? "running, attempt " + std::to_string(attempt) : "running");
}

void run_report::step_asks(std::size_t step) {
  const auto& input = *plan_.steps[step].input;
  json_object request;
  request.text("prompt", input.prompt).text("input_type", input.type);
  if (!input.options.empty())
    request.raw("validation",
                json_object{}.raw("options", json_texts(input.options)).str());
  publish_status(step, step_status::waiting,
                 json_object{}.raw("input_request", request.str()).str());
  say(plan_.steps[step].id, "waiting for input: " + input.prompt);
}

void run_report::step_skipped(std::size_t step) {
  publish_status(step, step_status::skipped, "{}");
  say(plan_.steps[step].id, "skipped");
}

void run_report::step_completed(std::size_t step, std::string_view output,
                                std::chrono::milliseconds duration) {
  const auto metrics
    = json_object{}
        .number("duration_ms", static_cast<std::uint64_t>(duration.count()))
        .str();
  publish_status(
    step, step_status::completed,
    json_object{}.raw("output", output).raw("metrics", metrics).str());
  say(plan_.steps[step].id, "completed in " + seconds(duration));
}

void run_report::step_retries(std::size_t step, std::string_view why,
                              std::uint32_t attempt,
                              pipeline_schedule::time_point at) {
  publish_status(step, step_status::retrying,
                 json_object{}
                   .number("attempt", attempt)
                   .text("error_message", why)
                   .text("next_retry_at", at_text(at))
                   .str());
  say(plan_.steps[step].id, std::string{why} + "; trying again");
}

void run_report::step_failed(std::size_t step, std::string_view why) {
  publish_status(step, step_status::failed,
                 json_object{}.text("error_message", why).str());
  say(plan_.steps[step].id, "failed: " + std::string{why});
}

void run_report::step_cancelled(std::size_t step) {
  publish_status(step, step_status::cancelled, "{}");
  say(plan_.steps[step].id, "cancelled");
}

void run_report::output_line(std::size_t step, std::string_view stream,
                             std::string_view line) {
  to_.push(events_.timeline(
    json_object{}
      .text("kind", "log")
      .text("level", stream == "stderr" ? "warn" : "info")
      .text("message", line)
      .text("step_id", plan_.steps[step].id)
      .raw("metadata", json_object{}.text("stream", stream).str())
      .str()));
}

void run_report::output_chunk(std::size_t step, std::string_view text) {
  to_.push_ephemeral(events_.stream(plan_.steps[step].id, text));
}

void run_report::counter(std::size_t step, std::string_view name,
                         std::uint64_t count) {
  to_.push(events_.timeline(json_object{}
                              .text("kind", "counter")
                              .text("name", name)
                              .number("count", count)
                              .text("step_id", plan_.steps[step].id)
                              .str()));
}

void run_report::artifact(std::size_t step, const artifact_file& file) {
  const auto slash = file.path.rfind('/');
  to_.push(events_.artifact(json_object{}
                              .text("name", slash == std::string::npos
                                              ? file.path
                                              : file.path.substr(slash + 1))
                              .text("kind", "file")
                              .text("path", file.path)
                              .number("size", file.size)
                              .text("sha256", file.sha256)
                              .text("step_id", plan_.steps[step].id)
                              .str()));
  say(plan_.steps[step].id,
      "made " + file.path + ", " + std::to_string(file.size) + " bytes");
}

void run_report::progress(const pipeline_schedule& schedule) {
  const auto phases = schedule.ended_phases();
  for (const auto& phase : phases)
    if (std::ranges::find(told_phases_, phase) == told_phases_.end()) {
      told_phases_.push_back(phase);
      to_.push(events_.timeline(json_object{}
                                  .text("kind", "phase_completed")
                                  .text("phase", phase)
                                  .str()));
      say("phase", phase + " completed");
    }
  const auto phase = schedule.current_phase();
  const auto done = schedule.ended_steps();
  if (phase == phase_ && done == done_)
    return;
  json_object changes;
  if (phase != phase_)
    changes.text("current_phase", phase);
  if (done != done_)
    changes.raw("progress", json_object{}
                              .number("completed", done)
                              .number("total", plan_.steps.size())
                              .str());
  to_.push(events_.run_updated(changes.str()));
  phase_ = phase;
  done_ = done;
}

void run_report::ended(const pipeline_schedule& schedule) {
  const auto status = schedule.outcome();
  json_object changes;
  changes.text("status", to_string(status));
  std::string failed;
  for (std::size_t i = 0; i < plan_.steps.size(); ++i)
    if (schedule.status(i) == step_status::failed)
      failed += (failed.empty() ? "failed steps: " : ", ") + plan_.steps[i].id;
  if (!failed.empty())
    changes.text("error_message", failed);
  to_.push(events_.run_updated(changes.str()));
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
    std::chrono::steady_clock::now() - begin_);
  say("run", std::string{to_string(status)} + " in " + seconds(took)
               + (failed.empty() ? "" : "; " + failed));
}

} // namespace callboard
