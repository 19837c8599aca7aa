#include "transport/principal.hpp"

#include <algorithm>

namespace callboard {

bool principal::reaches(const project_id& project) const noexcept {
  return !restricted
         || std::find(projects.begin(), projects.end(), project)
              != projects.end();
}

std::optional<project_id> principal::home_project() const {
  if (default_project)
    return default_project;
  if (!restricted)
    return project_id{"default"};
  if (projects.size() == 1)
    return projects.front();
  return std::nullopt;
}

} // namespace callboard
