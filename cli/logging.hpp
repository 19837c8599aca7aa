#pragma once

#include "config/settings.hpp"

namespace callboard {

/// Makes spdlog's default logger write to standard error as configured: lines
/// to read (`text`) or one JSON object a line (`json`). Call once, before
/// threads start. Logging is thread-safe after that.
void start_logging(const settings::log_settings& conf);

} // namespace callboard
