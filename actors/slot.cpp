#include "actors/slot.hpp"

#include <utility>

namespace callboard {

std::optional<publish_answer>
publish_gather::add(const std::vector<std::uint32_t>& positions,
                    std::vector<publish_result> part) {
  std::lock_guard guard{mutex_};
  for (std::size_t i = 0; i < positions.size() && i < part.size(); ++i)
    whole_.results[positions[i]] = std::move(part[i]);
  if (--missing_ > 0)
    return std::nullopt;
  return std::move(whole_);
}

} // namespace callboard
