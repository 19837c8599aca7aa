#pragma once

#include "tests/support/tcp_socket.hpp"
#include "tests/support/temp_dir.hpp"

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace callboard::test {

/// What a finished program left behind.
struct program_result {
  int status = 0; ///< Exit status; 128 + N when signal N ended it.
  std::string output;
  std::string errors;
};

using environment = std::map<std::string, std::string>;

/// Runs the callboard binary with these arguments to its end.
/// `env` is added to (and an empty value removed from) the test's own.
/// @throws timed_out after `limit` (the program is killed then).
program_result run_callboard(const std::vector<std::string>& arguments,
                             const environment& env = {},
                             std::chrono::milliseconds limit = patience);

/// The node ended, or never became ready.
class node_failed : public std::runtime_error {
public:
  node_failed(int status_, const std::string& errors_)
      : std::runtime_error{"the node ended with status "
                           + std::to_string(status_) + ":\n" + errors_},
        status{status_}, errors{errors_} {
    // nop
  }

  int status;
  std::string errors;
};

/// `callboard serve` as a child process on a free loopback port. The child gets
/// SIGKILL when this object, or the test, ends.
class node_process {
public:
  struct options {
    /// Empty: a new directory under the system's temporary one, removed with
    /// this object.
    std::filesystem::path data_dir = {};
    std::filesystem::path binary = {}; ///< Empty: the one that is tested.
    bool dev = true; ///< `--dev`, with test_secret as the key all the same.
    std::vector<std::string> arguments = {}; ///< Added to the command line.
    environment env = {}; ///< Such as {"CALLBOARD_LIMITS_EVENT_BYTES", "4096"}.
    std::chrono::milliseconds ready_limit = patience;
    /// Gets standard error of every start, appended; empty: a file of its own,
    /// emptied by each start.
    std::filesystem::path error_file = {};
    bool start = true; ///< False: launch() is the caller's affair.
  };

  /// Starts and waits for the ready line. @throws node_failed, timed_out.
  explicit node_process(options opts);
  node_process() : node_process(options{}) {
    // nop
  }
  ~node_process();

  node_process(const node_process&) = delete;
  node_process& operator=(const node_process&) = delete;

  std::uint16_t port() const {
    return port_;
  }

  /// The token of the ready line (tenant `dev`, all scopes); only with --dev.
  const std::string& token() const {
    return token_;
  }

  /// The ready line as it was printed.
  const std::string& ready_line() const {
    return ready_line_;
  }

  const std::filesystem::path& data_dir() const {
    return opts_.data_dir;
  }

  pid_t pid() const {
    return pid_;
  }

  /// SIGKILL, and waits until it is gone.
  void kill();

  /// SIGTERM, and nothing else.
  void terminate();

  void send_signal(int number);

  /// Waits for the end by itself. @throws timed_out.
  int wait_exit(std::chrono::milliseconds limit = patience);

  bool running();

  /// Starts again (after kill() or an exit) on the same data; the port is
  /// another.
  void restart();

  /// The first half of a start: the process, which may take until others have
  /// started as well. It dies with the calling thread.
  void launch();

  /// The second half: waits for the ready line. @throws node_failed, timed_out.
  void await_ready();

  /// What the next start uses.
  options& settings() {
    return opts_;
  }

  /// What the node wrote to standard error since it was last started.
  std::string standard_error() const;

  /// Resident memory of the process, in bytes.
  std::size_t resident_bytes() const;

  /// Open file descriptors of the process.
  std::size_t open_descriptors() const;

private:
  void start();
  void close_ready_pipe();
  /// Reaps the child if it has ended; returns its status.
  std::optional<int> try_reap();

  options opts_;
  temp_dir scratch_;
  std::filesystem::path error_file_;
  pid_t pid_ = -1;
  int ready_pipe_ = -1;
  std::optional<int> status_;
  std::uint16_t port_ = 0;
  std::string token_;
  std::string ready_line_;
};

/// Polls `condition` every few milliseconds; false when it never came true.
template <class F>
bool eventually(F&& condition, std::chrono::milliseconds limit = patience);

/// Lets the test's thread rest between two looks.
void short_rest();

template <class F>
bool eventually(F&& condition, std::chrono::milliseconds limit) {
  const auto until = within(limit);
  while (!condition()) {
    if (steady::now() >= until)
      return false;
    short_rest();
  }
  return true;
}

} // namespace callboard::test
