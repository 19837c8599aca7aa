#pragma once

#include "cli/exit_status.hpp"
#include "config/settings.hpp"

namespace callboard {

/// `callboard serve`: runs a node until SIGTERM or SIGINT. Prints the ready
/// line (one JSON object) on standard output as soon as the node serves. The
/// first signal drains, the second ends the process at once.
exit_status serve(settings conf);

} // namespace callboard
