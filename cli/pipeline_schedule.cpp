#include "cli/pipeline_schedule.hpp"

#include <algorithm>

namespace callboard {

pipeline_schedule::pipeline_schedule(const pipeline& plan, std::size_t jobs)
    : plan_{plan}, jobs_{std::max<std::size_t>(jobs, 1)},
      steps_(plan.steps.size()) {
  // nop
}

std::vector<pipeline_schedule::action> pipeline_schedule::due(time_point now) {
  std::vector<action> out;
  if (cancelled_)
    return out;
  // Skipping one step may decide others: go round until nothing changes.
  for (auto changed = true; changed;) {
    changed = false;
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      auto& x = steps_[i];
      const auto fresh = x.status == step_status::pending && !x.answered;
      const auto ready
        = (fresh && needs_ended(i))
          || (x.status == step_status::pending && x.answered)
          || (x.status == step_status::retrying && x.retry_at <= now);
      if (!ready)
        continue;
      if (fresh && !wanted(i)) {
        x.status = step_status::skipped;
        out.push_back({action::kind::skip, i, 0});
        changed = true;
      } else if (fresh && plan_.steps[i].input && !paused_) {
        x.status = step_status::waiting;
        out.push_back({action::kind::ask, i, 1});
      } else if (!paused_ && running_ < jobs_) {
        x.status = step_status::running;
        ++x.attempt;
        ++running_;
        out.push_back({action::kind::start, i, x.attempt});
      }
    }
  }
  return out;
}

std::optional<pipeline_schedule::time_point>
pipeline_schedule::next_due() const {
  std::optional<time_point> out;
  if (paused_ || cancelled_ || running_ >= jobs_)
    return out;
  for (const auto& x : steps_)
    if (x.status == step_status::retrying && (!out || x.retry_at < *out))
      out = x.retry_at;
  return out;
}

void pipeline_schedule::completed(std::size_t step) {
  --running_;
  steps_[step].status = step_status::completed;
}

void pipeline_schedule::failed(std::size_t step, time_point now) {
  --running_;
  auto& x = steps_[step];
  const auto& plan = plan_.steps[step];
  if (x.attempt > plan.retries || cancelled_) {
    x.status = step_status::failed;
    return;
  }
  constexpr std::uint32_t most_doublings = 6;
  x.status = step_status::retrying;
  x.retry_at
    = now + plan.retry_delay * (1 << std::min(x.attempt - 1, most_doublings));
}

void pipeline_schedule::cancelled(std::size_t step) {
  --running_;
  steps_[step].status = step_status::cancelled;
}

bool pipeline_schedule::answered(std::size_t step) {
  auto& x = steps_[step];
  if (x.status != step_status::waiting)
    return false;
  x.status = step_status::pending; // runs when there is room
  x.answered = true;
  return true;
}

void pipeline_schedule::pause() {
  paused_ = true;
}

void pipeline_schedule::resume() {
  paused_ = false;
}

std::vector<std::size_t> pipeline_schedule::cancel() {
  cancelled_ = true;
  paused_ = false;
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < steps_.size(); ++i)
    if (!ended(i) && steps_[i].status != step_status::running) {
      steps_[i].status = step_status::cancelled;
      out.push_back(i);
    }
  return out;
}

step_status pipeline_schedule::status(std::size_t step) const {
  return steps_[step].status;
}

std::uint32_t pipeline_schedule::attempt(std::size_t step) const {
  return steps_[step].attempt;
}

pipeline_schedule::time_point
pipeline_schedule::retry_at(std::size_t step) const {
  return steps_[step].retry_at;
}

bool pipeline_schedule::finished() const {
  // A paused run may not complete (contract 1): it waits to be resumed.
  return !paused_ && ended_steps() == steps_.size();
}

run_status pipeline_schedule::outcome() const {
  if (!finished())
    return paused_ ? run_status::paused : run_status::running;
  if (cancelled_)
    return run_status::cancelled;
  const auto failed = std::ranges::any_of(
    steps_, [](const state& x) { return x.status == step_status::failed; });
  return failed ? run_status::failed : run_status::completed;
}

std::size_t pipeline_schedule::ended_steps() const {
  std::size_t out = 0;
  for (std::size_t i = 0; i < steps_.size(); ++i)
    out += ended(i) ? 1 : 0;
  return out;
}

std::string pipeline_schedule::current_phase() const {
  std::string last;
  for (const auto& phase : plan_.phases) {
    if (begun(phase)) {
      if (!ended(phase))
        return phase;
      last = phase;
    }
  }
  return last;
}

std::vector<std::string> pipeline_schedule::ended_phases() const {
  std::vector<std::string> out;
  for (const auto& phase : plan_.phases)
    if (begun(phase) && ended(phase) && !broken(phase))
      out.push_back(phase);
  return out;
}

bool pipeline_schedule::ended(std::size_t step) const {
  return is_ended(steps_[step].status);
}

bool pipeline_schedule::needs_ended(std::size_t step) const {
  return std::ranges::all_of(plan_.steps[step].needed,
                             [this](std::size_t x) { return ended(x); });
}

bool pipeline_schedule::wanted(std::size_t step) const {
  const auto& needed = plan_.steps[step].needed;
  const auto is = [this](step_status status) {
    return [this, status](std::size_t x) { return steps_[x].status == status; };
  };
  switch (plan_.steps[step].when) {
  case run_condition::success:
    return std::ranges::all_of(needed, is(step_status::completed));
  case run_condition::failure:
    return std::ranges::any_of(needed, is(step_status::failed));
  case run_condition::always:
    return true;
  }
  return false;
}

bool pipeline_schedule::begun(const std::string& phase) const {
  for (std::size_t i = 0; i < steps_.size(); ++i)
    if (plan_.steps[i].phase == phase
        && steps_[i].status != step_status::pending)
      return true;
  return false;
}

bool pipeline_schedule::ended(const std::string& phase) const {
  for (std::size_t i = 0; i < steps_.size(); ++i)
    if (plan_.steps[i].phase == phase && !ended(i))
      return false;
  return true;
}

bool pipeline_schedule::broken(const std::string& phase) const {
  for (std::size_t i = 0; i < steps_.size(); ++i)
    if (plan_.steps[i].phase == phase
        && (steps_[i].status == step_status::failed
            || steps_[i].status == step_status::cancelled))
      return true;
  return false;
}

} // namespace callboard
