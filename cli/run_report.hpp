#pragma once

#include "actors/model/states.hpp"
#include "cli/outbox.hpp"
#include "cli/pipeline.hpp"
#include "cli/pipeline_schedule.hpp"
#include "cli/run_wording.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace callboard {

/// A file that a step left.
struct artifact_file {
  std::string path; ///< As the pipeline names it.
  std::uint64_t size = 0;
  std::string sha256; ///< Hexadecimal.
};

/// Tells what happens in a run: as events to the outbox, and as lines to
/// whoever watches the terminal.
class run_report {
public:
  enum class terminal { lines, silent };

  run_report(const pipeline& plan, run_wording events, outbox& to,
             terminal shown);

  /// The run begins, or goes on. `status` is "running" and so on.
  void steps_known();
  void step_started(std::size_t step, std::uint32_t attempt);
  void step_asks(std::size_t step);
  void step_skipped(std::size_t step);
  void step_completed(std::size_t step, std::string_view output,
                      std::chrono::milliseconds duration);
  void step_retries(std::size_t step, std::string_view why,
                    std::uint32_t attempt, pipeline_schedule::time_point at);
  void step_failed(std::size_t step, std::string_view why);
  void step_cancelled(std::size_t step);

  void output_line(std::size_t step, std::string_view stream,
                   std::string_view line);
  void output_chunk(std::size_t step, std::string_view text);
  void counter(std::size_t step, std::string_view name, std::uint64_t count);
  void artifact(std::size_t step, const artifact_file& file);

  /// Progress and phases, if they changed.
  void progress(const pipeline_schedule& schedule);

  /// The end, and the summary.
  void ended(const pipeline_schedule& schedule);

  /// A line for the terminal only.
  void say(std::string_view what, std::string_view detail);

private:
  void publish_status(std::size_t step, step_status status,
                      std::string_view more_changes);

  const pipeline& plan_;
  run_wording events_;
  outbox& to_;
  terminal shown_;
  std::string phase_;
  std::size_t done_ = 0;
  std::vector<std::string> told_phases_;
  std::chrono::steady_clock::time_point begin_
    = std::chrono::steady_clock::now();
};

} // namespace callboard
