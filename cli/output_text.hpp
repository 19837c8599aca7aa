#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace callboard {

/// Turns the bytes of a step's output into lines of valid UTF-8. Lines longer
/// than `max_line_bytes` come in pieces, so that a step without newlines cannot
/// fill our memory.
class line_splitter {
public:
  static constexpr std::size_t max_line_bytes = 16u << 10;

  using line_handler = std::function<void(std::string_view)>;

  void feed(std::string_view bytes, const line_handler& on_line);

  /// The end of the output: what has no newline is a line too.
  void finish(const line_handler& on_line);

private:
  std::string rest_;
};

/// `bytes` as UTF-8: what is not becomes U+FFFD.
std::string to_utf8(std::string_view bytes);

} // namespace callboard
