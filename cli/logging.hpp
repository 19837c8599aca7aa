#pragma once

#include "config/settings.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace callboard {

/// One log line as JSON: `{"ts":…,"level":…,"thread":…,"message":…}`. What is
/// not UTF-8 in `message` is replaced.
std::string json_log_line(std::int64_t unix_ms, std::string_view level,
                          std::size_t thread, std::string_view message);

/// Makes spdlog's default logger write to standard error as configured: lines
/// to read (`text`) or one JSON object a line (`json`). Call once, before
/// threads start. Logging is thread-safe after that.
void start_logging(const settings::log_settings& conf);

} // namespace callboard
