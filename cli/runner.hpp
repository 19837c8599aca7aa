#pragma once

#include "cli/outbox.hpp"
#include "cli/pipeline.hpp"
#include "cli/pipeline_schedule.hpp"
#include "cli/run_inbox.hpp"
#include "cli/run_report.hpp"
#include "cli/step_process.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace callboard {

/// Executes a pipeline: one loop over the steps' processes, what others tell
/// the run, the clock and the outbox. Everything runs on the thread that calls
/// run().
class runner {
public:
  struct surroundings {
    std::string directory; ///< Empty: where we are.
    environment_list env;  ///< For all steps, after the pipeline's own.
    int wake_fd;           ///< eventfd: the outbox or the inbox has news.
    int signal_fd;         ///< signalfd: SIGINT or SIGTERM cancels.
  };

  runner(const pipeline& plan, std::size_t jobs, run_report& report, outbox& to,
         run_inbox& from, surroundings around);
  ~runner();

  /// Returns when the run has ended.
  /// Problem: the node is lost for good; the steps were ended.
  result<run_status> run();

private:
  using clock = std::chrono::steady_clock;
  struct stream;
  struct attempt;

  void act(const pipeline_schedule::action& x);
  void start(std::size_t step, std::uint32_t number);
  void obey(const run_inbox::message& x);
  void cancel();
  void wait();
  void read_outputs();
  void read_output(attempt& x, stream& from, int fd);
  void check_times();
  void finish_ended();
  void finish(attempt& x);
  void fail_step(std::size_t step, const std::string& why);
  std::string missing_artifact(std::size_t step);
  environment_list environment_of(std::size_t step, std::uint32_t number) const;
  int poll_timeout_ms() const;

  const pipeline& plan_;
  pipeline_schedule schedule_;
  run_report& report_;
  outbox& to_;
  run_inbox& from_;
  surroundings around_;
  std::vector<std::unique_ptr<attempt>> attempts_;
  std::vector<std::optional<std::string>> inputs_; // by step
};

} // namespace callboard
