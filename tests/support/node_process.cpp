#include "tests/support/node_process.hpp"

#include "tests/support/token_maker.hpp"

#include <boost/json/parse.hpp>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>
#include <thread>

extern char** environ; // NOLINT: POSIX

namespace callboard::test {

namespace {

namespace fs = std::filesystem;

/// The argument or environment list that execve wants.
class c_strings {
public:
  explicit c_strings(std::vector<std::string> xs) : strings_{std::move(xs)} {
    for (auto& x : strings_)
      pointers_.push_back(x.data());
    pointers_.push_back(nullptr);
  }

  char** data() {
    return pointers_.data();
  }

private:
  std::vector<std::string> strings_;
  std::vector<char*> pointers_;
};

std::vector<std::string> full_environment(const environment& added) {
  environment all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text{*entry};
    const auto equals = text.find('=');
    // The tests' own surroundings must not configure the node.
    if (equals != std::string::npos && !text.starts_with("CALLBOARD_"))
      all[text.substr(0, equals)] = text.substr(equals + 1);
  }
  for (const auto& [key, value] : added)
    all[key] = value;
  std::vector<std::string> result;
  for (const auto& [key, value] : all) {
    if (!value.empty())
      result.push_back(key + "=" + value);
  }
  return result;
}

int open_for_writing(const fs::path& path, int how = O_TRUNC) {
  return ::open(path.c_str(), O_WRONLY | O_CREAT | how | O_CLOEXEC, 0600);
}

/// The one that was built with the tests, unless CALLBOARD_TEST_BINARY names
/// another (a release, or one with sanitizers).
std::string binary_path() {
  const char* other = std::getenv("CALLBOARD_TEST_BINARY");
  return other != nullptr ? other : CALLBOARD_BINARY;
}

/// Starts the binary; its standard output and error go to the descriptors.
pid_t spawn(const std::string& binary,
            const std::vector<std::string>& arguments, const environment& env,
            int output, int errors) {
  std::vector<std::string> words{binary};
  words.insert(words.end(), arguments.begin(), arguments.end());
  c_strings argv{std::move(words)};
  c_strings envp{full_environment(env)};
  const pid_t pid = ::fork();
  if (pid < 0)
    throw std::system_error{errno, std::system_category(), "fork"};
  if (pid > 0)
    return pid;
  // Only async-signal-safe calls from here to execve.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, 0);
  ::dup2(output, 1);
  ::dup2(errors, 2);
  ::execve(binary.c_str(), argv.data(), envp.data());
  ::_exit(127);
}

int exit_status(int raw) {
  return WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw);
}

std::string read_file(const fs::path& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// Reads up to the first newline; empty when the writer closed before.
std::string read_line(int fd, deadline until) {
  std::string line;
  for (;;) {
    pollfd entry{fd, POLLIN, 0};
    const auto left
      = std::chrono::ceil<std::chrono::milliseconds>(until - steady::now());
    if (left.count() <= 0)
      throw timed_out{"no ready line; so far: " + line};
    if (::poll(&entry, 1, static_cast<int>(left.count())) <= 0)
      continue;
    char c = 0;
    if (::read(fd, &c, 1) <= 0)
      return {};
    if (c == '\n')
      return line;
    line += c;
  }
}

} // namespace

void short_rest() {
  std::this_thread::sleep_for(std::chrono::milliseconds{5});
}

program_result run_callboard(const std::vector<std::string>& arguments,
                             const environment& env,
                             std::chrono::milliseconds limit) {
  const temp_dir dir;
  const int output = open_for_writing(dir.path() / "stdout");
  const int errors = open_for_writing(dir.path() / "stderr");
  const auto pid = spawn(binary_path(), arguments, env, output, errors);
  ::close(output);
  ::close(errors);
  int raw = 0;
  const bool ended
    = eventually([&] { return ::waitpid(pid, &raw, WNOHANG) == pid; }, limit);
  if (!ended) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, &raw, 0);
  }
  program_result result{exit_status(raw), read_file(dir.path() / "stdout"),
                        read_file(dir.path() / "stderr")};
  if (!ended)
    throw timed_out{"callboard did not end; standard error: " + result.errors};
  return result;
}

node_process::node_process(options opts) : opts_{std::move(opts)} {
  if (opts_.data_dir.empty())
    opts_.data_dir = scratch_.path() / "data";
  error_file_
    = opts_.error_file.empty() ? scratch_.path() / "stderr" : opts_.error_file;
  if (!opts_.start)
    return;
  try {
    start();
  } catch (...) {
    kill();
    close_ready_pipe();
    throw;
  }
}

node_process::~node_process() {
  kill();
  close_ready_pipe();
}

void node_process::start() {
  launch();
  await_ready();
}

void node_process::launch() {
  std::vector<std::string> arguments{"serve", "--data", opts_.data_dir.string(),
                                     "--listen", "127.0.0.1:0"};
  if (opts_.dev)
    arguments.emplace_back("--dev");
  arguments.insert(arguments.end(), opts_.arguments.begin(),
                   opts_.arguments.end());
  auto env = opts_.env;
  env.try_emplace("CALLBOARD_AUTH_SECRET", test_secret);

  close_ready_pipe();
  int pipe_ends[2];
  if (::pipe2(pipe_ends, O_CLOEXEC) != 0)
    throw std::system_error{errno, std::system_category(), "pipe"};
  const int errors = open_for_writing(
    error_file_, opts_.error_file.empty() ? O_TRUNC : O_APPEND);
  status_.reset();
  pid_ = spawn(opts_.binary.empty() ? binary_path() : opts_.binary.string(),
               arguments, env, pipe_ends[1], errors);
  ::close(pipe_ends[1]);
  ::close(errors);
  ready_pipe_ = pipe_ends[0];
}

void node_process::await_ready() {
  ready_line_ = read_line(ready_pipe_, within(opts_.ready_limit));
  // The node prints nothing more there; a broken pipe would be its own fault.
  close_ready_pipe();
  if (ready_line_.empty())
    throw node_failed{wait_exit(), standard_error()};
  const auto ready = boost::json::parse(ready_line_).as_object();
  const std::string url{ready.at("url").as_string()};
  port_ = static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
  if (const auto* token = ready.if_contains("token"))
    token_ = token->as_string();
}

void node_process::close_ready_pipe() {
  if (ready_pipe_ >= 0)
    ::close(ready_pipe_);
  ready_pipe_ = -1;
}

std::optional<int> node_process::try_reap() {
  if (!status_ && pid_ > 0) {
    int raw = 0;
    if (::waitpid(pid_, &raw, WNOHANG) == pid_)
      status_ = exit_status(raw);
  }
  return status_;
}

void node_process::kill() {
  if (pid_ <= 0 || try_reap())
    return;
  ::kill(pid_, SIGKILL);
  int raw = 0;
  ::waitpid(pid_, &raw, 0);
  status_ = exit_status(raw);
}

void node_process::terminate() {
  send_signal(SIGTERM);
}

void node_process::send_signal(int number) {
  if (!try_reap())
    ::kill(pid_, number);
}

int node_process::wait_exit(std::chrono::milliseconds limit) {
  if (!eventually([this] { return try_reap().has_value(); }, limit))
    throw timed_out{"the node did not end"};
  return *status_;
}

bool node_process::running() {
  return !try_reap();
}

void node_process::restart() {
  kill();
  start();
}

std::string node_process::standard_error() const {
  return read_file(error_file_);
}

std::size_t node_process::resident_bytes() const {
  std::ifstream in{"/proc/" + std::to_string(pid_) + "/statm"};
  std::size_t total = 0;
  std::size_t resident = 0;
  in >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::size_t node_process::open_descriptors() const {
  const fs::directory_iterator entries{"/proc/" + std::to_string(pid_) + "/fd"};
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

} // namespace callboard::test
