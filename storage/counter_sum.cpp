#include "storage/counter_sum.hpp"

#include <charconv>
#include <cmath>
#include <optional>

namespace callboard {

namespace {

template <class T>
std::optional<T> parse(std::string_view text) {
  T out{};
  auto [end, error]
    = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return out;
}

} // namespace

void add_to_sum(std::string& sum, const json::value& count) {
  auto whole = count.integer();
  auto old_whole = parse<std::int64_t>(sum);
  std::int64_t new_whole = 0;
  if (whole && old_whole
      && !__builtin_add_overflow(*whole, *old_whole, &new_whole)) {
    sum = std::to_string(new_whole);
    return;
  }
  auto real = count.real();
  auto old_real = parse<double>(sum);
  if (!real || !old_real || !std::isfinite(*real + *old_real))
    return;
  char digits[32];
  auto end
    = std::to_chars(digits, digits + sizeof(digits), *real + *old_real).ptr;
  sum.assign(digits, end);
}

} // namespace callboard
