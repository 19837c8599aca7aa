#include "cli/runner.hpp"

#include "cli/file_digest.hpp"
#include "cli/json_object.hpp"
#include "cli/output_text.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>

namespace callboard {

namespace {

using namespace std::chrono_literals;

/// Between asking a step to end and ending it.
constexpr auto grace = 3s;

/// CALLBOARD_INPUT_SHIP_IT for the step "ship-it".
std::string input_variable(std::string_view step) {
  std::string out = "CALLBOARD_INPUT_";
  for (const auto c : step)
    out += std::isalnum(static_cast<unsigned char>(c)) != 0
             ? static_cast<char>(std::toupper(static_cast<unsigned char>(c)))
             : '_';
  return out;
}

} // namespace

/// One of the two outputs of a step.
struct runner::stream {
  const char* name;
  line_splitter lines;
  bool open = true;
  bool drained = false; // nothing was left at the last look
};

/// A step's process and what came out of it so far.
struct runner::attempt {
  std::size_t step;
  step_process process;
  clock::time_point begin = clock::now();
  std::optional<clock::time_point> deadline{}; // then it is asked to end
  std::optional<clock::time_point> kill_at{};  // then it is ended
  std::optional<step_process::ending> ending{};
  bool timed_out = false;
  bool cancelled = false;
  stream out{"stdout", {}};
  stream err{"stderr", {}};
  std::uint64_t lines = 0;
  std::uint64_t bytes = 0;
  std::string chunk{};     // lines not passed on to the stream yet
  std::string last_line{}; // of standard error, for the error message

  void ask_to_end() {
    process.signal_group(SIGTERM);
    kill_at = clock::now() + grace;
  }
};

runner::runner(const pipeline& plan, std::size_t jobs, run_report& report,
               outbox& to, run_inbox& from, surroundings around)
    : plan_{plan}, schedule_{plan, jobs}, report_{report}, to_{to}, from_{from},
      around_{std::move(around)}, inputs_(plan.steps.size()) {
  // nop
}

runner::~runner() = default;

result<run_status> runner::run() {
  for (;;) {
    for (const auto& message : from_.take())
      obey(message);
    const auto now = std::chrono::system_clock::now();
    auto again = false;
    for (const auto& action : schedule_.due(now)) {
      act(action);
      again = true;
    }
    report_.progress(schedule_);
    if (schedule_.finished())
      break;
    if (auto why = to_.lost())
      return tl::unexpected{std::move(*why)}; // ~attempt kills what runs
    if (again)
      continue; // a step without a process of its own may have freed others
    wait();
    check_times();
    finish_ended();
  }
  report_.ended(schedule_);
  return schedule_.outcome();
}

void runner::act(const pipeline_schedule::action& x) {
  using kind = pipeline_schedule::action::kind;
  switch (x.what) {
  case kind::start:
    start(x.step, x.attempt);
    return;
  case kind::ask:
    report_.step_asks(x.step);
    return;
  case kind::skip:
    report_.step_skipped(x.step);
    return;
  }
}

void runner::start(std::size_t step, std::uint32_t number) {
  const auto& plan = plan_.steps[step];
  report_.step_started(step, number);
  if (plan.run.empty()) { // it only asked
    report_.step_completed(
      step, json_object{}.text("value", inputs_[step].value_or("")).str(), 0ms);
    schedule_.completed(step);
    return;
  }
  auto process = step_process::start(plan.run, around_.directory,
                                     environment_of(step, number));
  if (!process) {
    fail_step(step, process.error().detail);
    return;
  }
  attempts_.push_back(std::make_unique<attempt>(
    attempt{.step = step, .process = std::move(*process)}));
  if (plan.timeout > 0ms)
    attempts_.back()->deadline = clock::now() + plan.timeout;
}

environment_list runner::environment_of(std::size_t step,
                                        std::uint32_t number) const {
  auto out = plan_.env;
  const auto& own = plan_.steps[step].env;
  out.insert(out.end(), own.begin(), own.end());
  out.insert(out.end(), around_.env.begin(), around_.env.end());
  out.emplace_back("CALLBOARD_STEP_ID", plan_.steps[step].id);
  out.emplace_back("CALLBOARD_ATTEMPT", std::to_string(number));
  for (std::size_t i = 0; i < inputs_.size(); ++i)
    if (inputs_[i])
      out.emplace_back(input_variable(plan_.steps[i].id), *inputs_[i]);
  if (inputs_[step])
    out.emplace_back("CALLBOARD_INPUT", *inputs_[step]);
  return out;
}

void runner::obey(const run_inbox::message& x) {
  using kind = run_inbox::message::kind;
  switch (x.what) {
  case kind::pause:
    schedule_.pause();
    report_.say("run", "paused");
    return;
  case kind::resume:
    schedule_.resume();
    report_.say("run", "resumed");
    return;
  case kind::cancel:
    cancel();
    return;
  case kind::input:
    for (std::size_t i = 0; i < plan_.steps.size(); ++i)
      if (plan_.steps[i].id == x.step && schedule_.answered(i)) {
        inputs_[i] = x.value;
        report_.say(x.step, "answered: " + x.value);
      }
    return;
  }
}

void runner::cancel() {
  report_.say("run", "cancelling");
  for (const auto step : schedule_.cancel())
    report_.step_cancelled(step);
  for (auto& x : attempts_) {
    x->cancelled = true;
    x->ask_to_end();
  }
}

void runner::wait() {
  std::vector<pollfd> fds{{around_.wake_fd, POLLIN, 0},
                          {around_.signal_fd, POLLIN, 0}};
  const auto full = to_.full(); // then the steps wait until there is room
  for (const auto& x : attempts_) {
    if (full)
      continue;
    if (x->out.open)
      fds.push_back({x->process.out(), POLLIN, 0});
    if (x->err.open)
      fds.push_back({x->process.err(), POLLIN, 0});
    if (!x->ending)
      fds.push_back({x->process.exit_fd(), POLLIN, 0});
  }
  ::poll(fds.data(), fds.size(), poll_timeout_ms());
  std::uint64_t news = 0;
  if ((fds[0].revents & POLLIN) != 0)
    static_cast<void>(::read(around_.wake_fd, &news, sizeof news));
  signalfd_siginfo signal{};
  if ((fds[1].revents & POLLIN) != 0
      && ::read(around_.signal_fd, &signal, sizeof signal) > 0)
    cancel();
}

int runner::poll_timeout_ms() const {
  auto out = std::chrono::milliseconds{1000};
  const auto until = [&out](auto time, auto now) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(time - now);
    out = std::clamp(left, 0ms, out);
  };
  if (const auto due = schedule_.next_due())
    until(*due, std::chrono::system_clock::now());
  for (const auto& x : attempts_) {
    if (x->kill_at)
      until(*x->kill_at, clock::now());
    else if (x->deadline)
      until(*x->deadline, clock::now());
  }
  return static_cast<int>(out.count());
}

void runner::read_outputs() {
  for (auto& x : attempts_) {
    read_output(*x, x->out, x->process.out());
    read_output(*x, x->err, x->process.err());
    if (!x->chunk.empty())
      report_.output_chunk(x->step, std::exchange(x->chunk, {}));
  }
}

void runner::read_output(attempt& x, stream& from, int fd) {
  std::array<char, 32u << 10> buffer;
  const auto on_line = [&](std::string_view line) {
    report_.output_line(x.step, from.name, line);
    ++x.lines;
    x.chunk.append(line).append("\n");
    if (&from == &x.err && !line.empty())
      x.last_line = line;
  };
  from.drained = !from.open;
  while (!from.drained && !to_.full()) {
    const auto n = ::read(fd, buffer.data(), buffer.size());
    if (n > 0) {
      x.bytes += static_cast<std::uint64_t>(n);
      from.lines.feed({buffer.data(), static_cast<std::size_t>(n)}, on_line);
      continue;
    }
    from.drained = true;
    from.open = n != 0;
  }
  // The end, or the step is gone and somebody else holds the other end.
  if (from.drained && (!from.open || x.ending))
    from.lines.finish(on_line);
}

void runner::check_times() {
  const auto now = clock::now();
  for (auto& x : attempts_) {
    if (x->kill_at && now >= *x->kill_at) {
      x->process.signal_group(SIGKILL);
      x->kill_at.reset();
      x->deadline.reset();
    } else if (!x->kill_at && x->deadline && now >= *x->deadline) {
      x->timed_out = true;
      x->deadline.reset();
      x->ask_to_end();
    }
  }
}

void runner::finish_ended() {
  for (auto& x : attempts_)
    if (!x->ending)
      x->ending = x->process.poll_ending();
  read_outputs(); // what they wrote just before
  const auto is_over = [](const std::unique_ptr<attempt>& x) {
    return x->ending && x->out.drained && x->err.drained;
  };
  for (std::size_t i = 0; i < attempts_.size();) {
    if (!is_over(attempts_[i])) {
      ++i;
      continue;
    }
    const auto x = std::move(attempts_[i]);
    attempts_.erase(attempts_.begin() + static_cast<std::ptrdiff_t>(i));
    finish(*x);
  }
}

void runner::finish(attempt& x) {
  const auto& how = *x.ending;
  if (x.lines != 0)
    report_.counter(x.step, "output_lines", x.lines);
  if (x.cancelled) {
    report_.step_cancelled(x.step);
    schedule_.cancelled(x.step);
    return;
  }
  std::string why;
  if (x.timed_out)
    why = "did not end within its timeout";
  else if (!how.good())
    why = how.text() + (x.last_line.empty() ? "" : ": " + x.last_line);
  else
    why = missing_artifact(x.step);
  if (!why.empty()) {
    fail_step(x.step, why);
    return;
  }
  json_object output;
  output.number("exit_status", 0)
    .number("lines", x.lines)
    .number("bytes", x.bytes);
  report_.step_completed(x.step, output.str(),
                         std::chrono::duration_cast<std::chrono::milliseconds>(
                           clock::now() - x.begin));
  schedule_.completed(x.step);
}

void runner::fail_step(std::size_t step, const std::string& why) {
  schedule_.failed(step, std::chrono::system_clock::now());
  if (schedule_.status(step) == step_status::retrying)
    report_.step_retries(step, why, schedule_.attempt(step),
                         schedule_.retry_at(step));
  else
    report_.step_failed(step, why);
}

std::string runner::missing_artifact(std::size_t step) {
  for (const auto& path : plan_.steps[step].artifacts) {
    const auto base = around_.directory.empty() || path.starts_with('/')
                        ? std::string{}
                        : around_.directory + '/';
    const auto digest = digest_file(base + path);
    if (!digest)
      return "artifact " + path + ": " + digest.error().detail;
    report_.artifact(step, {path, digest->size, digest->sha256});
  }
  return {};
}

} // namespace callboard
