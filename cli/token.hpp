#pragma once

#include "cli/exit_status.hpp"
#include "config/settings.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace callboard {

struct token_options {
  std::string tenant;
  std::string subject;
  std::string scope = "publish subscribe";
  std::vector<std::string> projects;
  std::string default_project;
  std::chrono::seconds lifetime{3600};
};

/// `callboard token`: prints a token signed with the configured secret.
exit_status print_token(const settings& conf, const token_options& options);

} // namespace callboard
