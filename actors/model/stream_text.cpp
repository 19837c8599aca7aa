#include "actors/model/event_record.hpp"

#include <algorithm>

namespace callboard {
namespace {

constexpr std::size_t escape_bytes = 6;              // \u00e9
constexpr std::size_t pair_bytes = 2 * escape_bytes; // \ud83d\ude00

/// Whether the backslash at `at` begins an escape. A row of backslashes begins
/// between characters, so every second one of it does.
bool begins_escape(std::string_view text, std::size_t at) noexcept {
  auto before = at;
  while (before > 0 && text[before - 1] == '\\')
    --before;
  return (at - before) % 2 == 0;
}

bool is_high_surrogate(std::string_view text, std::size_t at) noexcept {
  return (text[at + 2] == 'd' || text[at + 2] == 'D')
         && std::string_view{"89abAB"}.find(text[at + 3])
              != std::string_view::npos;
}

/// The first place at or behind `at` where the inside of a valid JSON string
/// may be cut: not within an escape, a surrogate pair or a UTF-8 sequence.
std::size_t boundary(std::string_view text, std::size_t at) noexcept {
  for (auto i = at - std::min(at, pair_bytes - 1); i < at; ++i) {
    if (text[i] != '\\' || !begins_escape(text, i))
      continue;
    std::size_t size = 2;
    if (text[i + 1] == 'u')
      size = is_high_surrogate(text, i) ? pair_bytes : escape_bytes;
    if (i + size > at)
      return i + size;
  }
  while (at < text.size()
         && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80)
    ++at;
  return at;
}

} // namespace

void append_stream_chunk(std::string& text, std::string_view data,
                         std::size_t max_bytes) {
  thread_local json::document doc;
  if (!doc.reset(data))
    return;
  auto chunk = doc.root().find("chunk");
  if (!chunk || !chunk->is(json::kind::string))
    return;
  auto inside = chunk->raw();
  inside = inside.substr(1, inside.size() - 2);
  text += inside;
  if (text.size() > max_bytes)
    text.erase(0, boundary(text, text.size() - max_bytes));
}

} // namespace callboard
