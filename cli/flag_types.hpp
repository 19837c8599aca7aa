#pragma once

#include "cli/client_options.hpp"

#include <CLI/CLI.hpp>

#include <chrono>
#include <string>

namespace callboard {

/// Adds `--url` and `--token`, with their environment variables.
void add_client_flags(CLI::App& verb, client_options& to);

/// Adds a flag that takes a duration, such as "30s".
CLI::Option* add_duration(CLI::App& verb, const std::string& flag,
                          std::chrono::milliseconds& to,
                          const std::string& meaning);

} // namespace callboard
