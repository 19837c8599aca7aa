#pragma once

#include "actors/model/ids.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace callboard {

/// Who is asking, as its token says.
struct principal {
  tenant_id tenant;    ///< Claim `tenant`, else `sub`.
  std::string subject; ///< Claim `sub`.
  std::vector<project_id>
    projects;              ///< Empty and !restricted: all of the tenant.
  bool restricted = false; ///< The token has a `projects` list.
  bool may_publish = false;
  bool may_subscribe = false;
  bool may_operate = false;
  std::optional<project_id> default_project;
  std::optional<std::chrono::system_clock::time_point> expires;

  /// Whether the token reaches that project.
  bool reaches(const project_id& project) const noexcept;

  /// Where runs are made for clients that name no project: the token's
  /// default_project, else the only one that it reaches, else, if it reaches
  /// all of the tenant, the one called "default". Nothing: several would do.
  std::optional<project_id> home_project() const;
};

} // namespace callboard
