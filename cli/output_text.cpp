#include "cli/output_text.hpp"

#include <algorithm>
#include <cstdint>

namespace callboard {

namespace {

/// Bytes of the UTF-8 sequence at the front of `x`; 0 if there is none.
std::size_t sequence_length(std::string_view x) {
  const auto byte
    = [x](std::size_t i) { return static_cast<std::uint8_t>(x[i]); };
  const auto lead = byte(0);
  if (lead < 0x80)
    return 1;
  const std::size_t length = lead >= 0xc2 && lead < 0xe0   ? 2
                             : lead >= 0xe0 && lead < 0xf0 ? 3
                             : lead >= 0xf0 && lead < 0xf5 ? 4
                                                           : 0;
  if (length == 0 || length > x.size())
    return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80)
      return 0;
  // No overlong forms, no surrogates, nothing above U+10FFFF.
  const auto second = byte(1);
  const auto good
    = (lead != 0xe0 || second >= 0xa0) && (lead != 0xed || second < 0xa0)
      && (lead != 0xf0 || second >= 0x90) && (lead != 0xf4 || second < 0x90);
  return good ? length : 0;
}

} // namespace

void line_splitter::feed(std::string_view bytes, const line_handler& on_line) {
  rest_ += bytes;
  std::size_t begin = 0;
  for (;;) {
    const auto end = rest_.find('\n', begin);
    const auto length = (end == std::string::npos ? rest_.size() : end) - begin;
    if (length > max_line_bytes) {
      on_line(to_utf8(std::string_view{rest_}.substr(begin, max_line_bytes)));
      begin += max_line_bytes;
      continue;
    }
    if (end == std::string::npos)
      break;
    auto line = std::string_view{rest_}.substr(begin, length);
    if (line.ends_with('\r'))
      line.remove_suffix(1);
    on_line(to_utf8(line));
    begin = end + 1;
  }
  rest_.erase(0, begin);
}

void line_splitter::finish(const line_handler& on_line) {
  if (!rest_.empty())
    on_line(to_utf8(rest_));
  rest_.clear();
}

std::string to_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    const auto length = sequence_length(bytes);
    if (length == 0)
      out += "\xef\xbf\xbd";
    else
      out.append(bytes.substr(0, length));
    bytes.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

} // namespace callboard
