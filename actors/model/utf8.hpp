#pragma once

#include <cstddef>

namespace callboard {

/// Length of the UTF-8 sequence (RFC 3629: no overlong forms, no surrogates,
/// nothing above U+10FFFF) that begins at `s`, or 0 if there is none.
inline std::size_t utf8_length(const char* s, const char* end) noexcept {
  auto byte = [s](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  auto left = static_cast<std::size_t>(end - s);
  if (left == 0)
    return 0;
  auto lead = byte(0);
  if (lead < 0x80)
    return 1;
  std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || left < size)
    return 0;
  // The second byte's range depends on the first; the others are plain.
  unsigned low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  unsigned high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (byte(1) < low || byte(1) > high)
    return 0;
  for (std::size_t i = 2; i < size; ++i)
    if ((byte(i) & 0xc0) != 0x80)
      return 0;
  return size;
}

/// The largest size of at most `limit` at which a valid UTF-8 text may be cut.
inline std::size_t utf8_cut(const char* text, std::size_t limit) noexcept {
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xc0) == 0x80)
    --limit;
  return limit;
}

} // namespace callboard
