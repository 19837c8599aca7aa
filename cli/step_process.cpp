#include "cli/step_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace callboard {

namespace {

/// Our environment with `added` in place of what has the same name.
std::vector<std::string> merged_environment(const environment_list& added) {
  std::vector<std::string> out;
  const auto replaced = [&added](std::string_view line) {
    for (const auto& [name, value] : added)
      if (line.starts_with(name) && line.substr(name.size()).starts_with('='))
        return true;
    return false;
  };
  for (auto** at = environ; *at != nullptr; ++at)
    if (!replaced(*at))
      out.emplace_back(*at);
  for (std::size_t i = 0; i < added.size(); ++i) {
    auto last = true; // of this name
    for (std::size_t j = i + 1; j < added.size(); ++j)
      last = last && added[j].first != added[i].first;
    if (last)
      out.push_back(added[i].first + '=' + added[i].second);
  }
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> out;
  for (auto& word : words)
    out.push_back(word.data());
  out.push_back(nullptr);
  return out;
}

struct pipe_ends {
  unique_fd read;
  unique_fd write;
};

result<pipe_ends> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return fail(errc::internal,
                std::string{"no pipe: "} + std::strerror(errno));
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return pipe_ends{unique_fd{ends[0]}, unique_fd{ends[1]}};
}

/// What the child does before it becomes the shell.
class spawn_plan {
public:
  spawn_plan(const std::string& directory, int out, int err) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null",
                                       O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions_, out, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, err, STDERR_FILENO);
    if (!directory.empty())
      ::posix_spawn_file_actions_addchdir_np(&actions_, directory.c_str());
    ::posix_spawnattr_init(&attributes_);
    // We block and ignore signals that the step must see as usual.
    sigset_t none;
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    sigset_t usual;
    ::sigemptyset(&usual);
    ::sigaddset(&usual, SIGPIPE);
    ::posix_spawnattr_setsigdefault(&attributes_, &usual);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP
                                               | POSIX_SPAWN_SETSIGMASK
                                               | POSIX_SPAWN_SETSIGDEF);
  }
  ~spawn_plan() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  spawn_plan(const spawn_plan&) = delete;
  spawn_plan& operator=(const spawn_plan&) = delete;

  int spawn(pid_t& pid, std::vector<std::string>& words,
            std::vector<std::string>& environment) {
    const auto argv = pointers(words);
    const auto envp = pointers(environment);
    return ::posix_spawn(&pid, words[0].c_str(), &actions_, &attributes_,
                         argv.data(), envp.data());
  }

private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

} // namespace

std::string step_process::ending::text() const {
  return signal != 0 ? "ended by signal " + std::to_string(signal)
                     : "exit status " + std::to_string(status);
}

result<step_process> step_process::start(const std::string& command,
                                         const std::string& directory,
                                         const environment_list& env) {
  auto out = make_pipe();
  auto err = make_pipe();
  if (!out || !err)
    return tl::unexpected{(out ? err : out).error()};
  std::vector<std::string> words{"/bin/sh", "-c", command};
  auto environment = merged_environment(env);
  step_process x;
  spawn_plan plan{directory, out->write.get(), err->write.get()};
  if (const auto error = plan.spawn(x.pid_, words, environment); error != 0)
    return fail(errc::internal,
                std::string{"cannot start /bin/sh: "} + std::strerror(error));
  x.out_ = std::move(out->read);
  x.err_ = std::move(err->read);
  x.exit_ = unique_fd{static_cast<int>(::syscall(SYS_pidfd_open, x.pid_, 0))};
  if (x.exit_.get() < 0)
    return fail(errc::internal,
                std::string{"pidfd_open: "} + std::strerror(errno));
  return x;
}

step_process::step_process(step_process&& other) noexcept
    : pid_{std::exchange(other.pid_, -1)}, reaped_{other.reaped_},
      out_{std::move(other.out_)}, err_{std::move(other.err_)},
      exit_{std::move(other.exit_)} {
  // nop
}

step_process::~step_process() {
  if (pid_ > 0 && !reaped_) {
    signal_group(SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
}

void step_process::signal_group(int signal) const noexcept {
  if (pid_ > 0)
    ::kill(-pid_, signal);
}

std::optional<step_process::ending> step_process::poll_ending() {
  int status = 0;
  if (reaped_ || ::waitpid(pid_, &status, WNOHANG) != pid_)
    return std::nullopt;
  reaped_ = true;
  // The shell is gone; what it left in the background goes with the step.
  signal_group(SIGKILL);
  ending out;
  if (WIFSIGNALED(status))
    out.signal = WTERMSIG(status);
  else
    out.status = WEXITSTATUS(status);
  return out;
}

} // namespace callboard
