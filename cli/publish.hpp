#pragma once

#include "cli/client_options.hpp"
#include "cli/exit_status.hpp"

#include <chrono>
#include <cstddef>
#include <istream>
#include <string>

namespace callboard {

struct publish_options {
  client_options node;
  std::string project;
  std::string type; ///< Empty: events come as NDJSON from standard input.
  std::string data = "{}";
  std::string id;
  std::string scope;
  bool ephemeral = false;
  std::size_t batch = 500; ///< Events in one request.
  std::chrono::milliseconds retry_for{30'000};
  bool results = false; ///< Print a line for every event that is durable.
};

/// `callboard publish`: publishes one event from its arguments, or NDJSON from
/// `input`. Prints `{"accepted":n,"refused":n,"last_seq":n}`, and before it,
/// when asked, `{"id":…,"seq":n}` for each event as soon as it is durable; what
/// was refused goes to standard error with its line.
exit_status publish(const publish_options& options, std::istream& input);

} // namespace callboard
