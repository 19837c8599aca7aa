#pragma once

#include "config/settings.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace callboard {

/// Reads `[section]` tables of `key = value` into `conf`. What is wrong is
/// added to `errors`, one line each, as "file:line: …"; the rest is still read.
void read_toml_file(settings& conf, const std::string& file,
                    std::vector<std::string>& errors);

/// The same for a text; `file` is what messages call it.
void read_toml_text(settings& conf, std::string_view text,
                    const std::string& file, std::vector<std::string>& errors);

} // namespace callboard
