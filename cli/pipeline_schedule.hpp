#pragma once

#include "actors/model/states.hpp"
#include "cli/pipeline.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace callboard {

/// Decides which step of a pipeline does what, and when. Pure: it is told what
/// happened and what time it is, and says what to do; it starts nothing itself.
class pipeline_schedule {
public:
  using time_point = std::chrono::system_clock::time_point;

  /// Something to do now. The schedule already counts it as done.
  struct action {
    enum class kind : std::uint8_t {
      start, ///< Run the step's command.
      ask,   ///< Tell people what the step wants to know.
      skip,  ///< Tell people that the step will not run.
    };
    kind what = kind::start;
    std::size_t step = 0;
    std::uint32_t attempt = 1; ///< From 1.
  };

  /// @param jobs Steps that may run at a time, at least 1.
  pipeline_schedule(const pipeline& plan, std::size_t jobs);

  /// What is due now.
  std::vector<action> due(time_point now);

  /// When due() may have more to say without anything happening; nullopt:
  /// never.
  std::optional<time_point> next_due() const;

  /// A started step has ended. A failed one with attempts left is `retrying`
  /// afterwards; see retry_at().
  void completed(std::size_t step);
  void failed(std::size_t step, time_point now);
  void cancelled(std::size_t step);

  /// The answer to `ask` is there. False: the step was not waiting for one.
  bool answered(std::size_t step);

  /// No new steps until resume(); what runs goes on.
  void pause();
  void resume();

  /// Nothing starts any more; what does not run is cancelled.
  /// @returns those steps. The running ones must be ended by the caller.
  std::vector<std::size_t> cancel();

  step_status status(std::size_t step) const;
  std::uint32_t attempt(std::size_t step) const;
  time_point retry_at(std::size_t step) const;

  bool paused() const noexcept {
    return paused_;
  }

  /// All steps have ended, and nobody holds the run.
  bool finished() const;

  /// How the run ended, or `running` as long as it has not.
  run_status outcome() const;

  std::size_t ended_steps() const;

  /// The first phase in order that has begun and not ended; else the last
  /// ended.
  std::string current_phase() const;

  /// Phases whose steps have all ended, none of them badly; in order.
  std::vector<std::string> ended_phases() const;

private:
  struct state {
    step_status status = step_status::pending;
    std::uint32_t attempt = 0;
    time_point retry_at;
    bool answered = false;
  };

  bool ended(std::size_t step) const;
  bool needs_ended(std::size_t step) const;
  bool wanted(std::size_t step) const;
  bool begun(const std::string& phase) const;
  bool ended(const std::string& phase) const;
  bool broken(const std::string& phase) const;

  const pipeline& plan_;
  std::size_t jobs_;
  std::vector<state> steps_;
  std::size_t running_ = 0;
  bool paused_ = false;
  bool cancelled_ = false;
};

} // namespace callboard
