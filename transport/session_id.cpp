#include "transport/session_id.hpp"

#include <charconv>

namespace callboard {

std::optional<session_id> session_id::parse(std::string_view text) {
  session_id out;
  if (auto colon = text.rfind(':'); colon != text.npos) {
    if (colon == 0)
      return std::nullopt;
    out.node = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  auto last = text.data() + text.size();
  auto [end, ec] = std::from_chars(text.data(), last, out.number);
  if (ec != std::errc{} || end != last || out.number == 0)
    return std::nullopt;
  return out;
}

std::string to_string(const session_id& x) {
  auto number = std::to_string(x.number);
  return x.node.empty() ? number : x.node + ":" + number;
}

} // namespace callboard
