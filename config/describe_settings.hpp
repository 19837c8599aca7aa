#pragma once

#include <string>

namespace callboard {

/// A TOML file with every setting at its default, commented (`gen-config`).
std::string settings_as_toml();

/// docs/configuration.md: every setting with its names, default and meaning.
std::string settings_as_markdown();

} // namespace callboard
