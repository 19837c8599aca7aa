#include "actors/model/ids.hpp"

#include "actors/model/utf8.hpp"

#include <array>

namespace callboard {
namespace {

constexpr std::size_t max_id_bytes = 128;

constexpr auto id_bytes = [] {
  std::array<bool, 256> xs{};
  for (char c : std::string_view{"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789._:-"})
    xs[static_cast<unsigned char>(c)] = true;
  return xs;
}();

} // namespace

bool valid_id(std::string_view text) noexcept {
  if (text.empty() || text.size() > max_id_bytes)
    return false;
  for (char c : text)
    if (!id_bytes[static_cast<unsigned char>(c)])
      return false;
  return true;
}

bool valid_tenant(std::string_view text) noexcept {
  if (text.empty() || text.size() > max_id_bytes)
    return false;
  const auto* end = text.data() + text.size();
  for (const auto* s = text.data(); s != end;) {
    auto size = utf8_length(s, end);
    auto lead = static_cast<unsigned char>(*s);
    if (size == 0 || lead < 0x20 || lead == 0x7f)
      return false;
    // U+0080 to U+009F are controls, too.
    if (lead == 0xc2 && static_cast<unsigned char>(s[1]) < 0xa0)
      return false;
    s += size;
  }
  return true;
}

std::string room_name(const room_key& room) {
  if (room.is_tenant_room())
    return "tenant:" + room.tenant.value;
  return "project:" + room.project.value;
}

} // namespace callboard
