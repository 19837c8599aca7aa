#pragma once

#include "config/setting_table.hpp"
#include "config/settings.hpp"

#include <tl/expected.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace callboard {

/// Where settings come from; later ones win over earlier ones.
struct setting_sources {
  std::optional<std::string> file = {}; ///< A TOML file.
  /// Names and values; those that do not begin with CALLBOARD_ are passed over.
  std::vector<std::pair<std::string, std::string>> environment = {};
  /// Settings and the text given for each, in the order given.
  std::vector<std::pair<const setting_info*, std::string>> flags = {};
};

struct loaded_settings {
  settings conf;
  std::vector<std::string> warnings; ///< Such as unknown CALLBOARD_… variables.
};

/// Reads and checks everything. Otherwise all that is wrong, one line each,
/// with its place (file:line, variable or flag), the name, the value (never a
/// secret's) and what is allowed.
tl::expected<loaded_settings, std::vector<std::string>>
load_settings(const setting_sources& from);

/// What no single setting can tell: rules between them. One line each.
std::vector<std::string> check_together(const settings& conf);

/// This process's environment.
std::vector<std::pair<std::string, std::string>> process_environment();

/// Whether HOST:PORT names this machine only.
bool is_loopback(std::string_view address);

} // namespace callboard
