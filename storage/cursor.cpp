#include "storage/cursor.hpp"

#include <array>
#include <cstdint>

namespace callboard {

namespace {

constexpr std::string_view alphabet
  = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Longer than any place with two ids in it.
constexpr std::size_t max_cursor_bytes = 1024;

constexpr auto digit_values = [] {
  std::array<std::int8_t, 256> out{};
  out.fill(-1);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    out[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
  return out;
}();

} // namespace

std::string encode_cursor(char list, std::string_view place) {
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  auto add = [&](char x) {
    bits = (bits << 8) | static_cast<unsigned char>(x);
    for (count += 8; count >= 6; count -= 6)
      out.push_back(alphabet[(bits >> (count - 6)) & 63]);
  };
  add(list);
  for (auto x : place)
    add(x);
  if (count > 0)
    out.push_back(alphabet[(bits << (6 - count)) & 63]);
  return out;
}

result<std::string> decode_cursor(char list, std::string_view cursor) {
  if (cursor.size() > max_cursor_bytes)
    return bad_cursor();
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (auto x : cursor) {
    auto digit = digit_values[static_cast<unsigned char>(x)];
    if (digit < 0)
      return bad_cursor();
    bits = (bits << 6) | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out.push_back(static_cast<char>((bits >> count) & 0xff));
    }
  }
  if (out.empty() || out.front() != list)
    return bad_cursor();
  out.erase(0, 1);
  // One spelling only: also refuses a wrong length and stray bits.
  if (encode_cursor(list, out) != cursor)
    return bad_cursor();
  return out;
}

tl::unexpected<problem> bad_cursor() {
  return fail(
    errc::invalid,
    "cursor is none of this list; send next_cursor of the page before "
    "unchanged, or none",
    "/cursor");
}

} // namespace callboard
