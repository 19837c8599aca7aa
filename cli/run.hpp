#pragma once

#include "cli/client_options.hpp"
#include "cli/exit_status.hpp"

#include <chrono>
#include <cstddef>
#include <string>

namespace callboard {

struct run_options {
  client_options node;
  std::string file;
  std::string project;
  std::string run;       ///< Empty: a new UUIDv7.
  std::string name;      ///< Empty: the pipeline's.
  std::string directory; ///< Empty: where we are.
  std::size_t jobs = 2;
  std::chrono::milliseconds retry_for{300'000};
  bool quiet = false;
};

/// `callboard run`: executes the steps of a pipeline file as processes of this
/// machine and publishes what happens. Obeys pause, resume and cancel, and
/// takes the answers of steps that wait for input, all of which arrive as
/// events. Goes on while the node is away, with a bounded buffer of what it has
/// to tell.
exit_status run_pipeline(const run_options& options);

} // namespace callboard
