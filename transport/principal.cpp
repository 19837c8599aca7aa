#include "transport/principal.hpp"

#include <algorithm>

namespace callboard {

bool principal::reaches(const project_id& project) const noexcept {
  return !restricted
         || std::find(projects.begin(), projects.end(), project)
              != projects.end();
}

} // namespace callboard
