#pragma once

#include "actors/model/problem.hpp"
#include "cli/pipeline.hpp"
#include "cli/unique_fd.hpp"

#include <sys/types.h>

#include <optional>
#include <string>

namespace callboard {

/// One attempt of a step: `/bin/sh -c COMMAND` in a process group of its own,
/// so that everything that it starts can be ended with it. Standard input is
/// empty.
class step_process {
public:
  /// How it ended: an exit status, or the signal that ended it.
  struct ending {
    int status = 0;
    int signal = 0;
    bool good() const noexcept {
      return status == 0 && signal == 0;
    }
    std::string text() const; ///< "exit status 1", "killed by signal 9"
  };

  /// @param env Added to our environment, later ones win.
  static result<step_process> start(const std::string& command,
                                    const std::string& directory,
                                    const environment_list& env);

  step_process(step_process&&) noexcept;
  step_process& operator=(step_process&&) = delete;

  /// Kills what is left of the group.
  ~step_process();

  int out() const noexcept { ///< Standard output, non-blocking.
    return out_.get();
  }
  int err() const noexcept { ///< Standard error, non-blocking.
    return err_.get();
  }
  int exit_fd() const noexcept { ///< Readable when the process has ended.
    return exit_.get();
  }

  /// Asks the group to end (SIGTERM), or ends it (SIGKILL).
  void signal_group(int signal) const noexcept;

  /// How it ended; nullopt while it runs. Reaps it and ends its group.
  std::optional<ending> poll_ending();

private:
  step_process() = default;

  pid_t pid_ = -1;
  bool reaped_ = false;
  unique_fd out_;
  unique_fd err_;
  unique_fd exit_;
};

} // namespace callboard
