#include "transport/link/rare_log.hpp"

namespace callboard {

namespace {

constexpr std::chrono::minutes quiet_time{1};
constexpr std::size_t most_lines = 1024;

} // namespace

bool rare_log::may_say(const std::string& what, clock::time_point now) {
  if (said_.size() >= most_lines)
    std::erase_if(said_, [&](auto& x) { return now - x.second >= quiet_time; });
  if (said_.size() >= most_lines)
    return false;
  auto [at, fresh] = said_.try_emplace(what, now);
  if (fresh)
    return true;
  if (now - at->second < quiet_time)
    return false;
  at->second = now;
  return true;
}

} // namespace callboard
