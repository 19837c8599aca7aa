#include "actors/model/json_text.hpp"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

// Recursion is bounded: no document is deeper than limits::max_depth.
// NOLINTBEGIN(misc-no-recursion)

namespace callboard::json {
namespace {

/// A number's value, independent of its spelling: ±0.d1d2d3… × 10^exponent with
/// d1 and the last digit not 0; no digits for zero.
struct decimal {
  bool negative = false;
  std::string digits;
  std::int64_t exponent = 0;

  friend bool operator==(const decimal&, const decimal&) = default;
};

/// nullopt when the exponent does not fit (then only the spelling can tell).
std::optional<decimal> parse_decimal(std::string_view text) {
  decimal out;
  if (text.front() == '-') {
    out.negative = true;
    text.remove_prefix(1);
  }
  if (auto e = text.find_first_of("eE"); e != std::string_view::npos) {
    auto number = text.substr(e + 1);
    if (number.front() == '+')
      number.remove_prefix(1);
    std::int32_t x = 0;
    if (std::from_chars(number.data(), number.data() + number.size(), x).ec
        != std::errc{})
      return std::nullopt;
    out.exponent = x;
    text = text.substr(0, e);
  }
  auto point = std::min(text.find('.'), text.size());
  out.exponent += static_cast<std::int64_t>(point);
  out.digits = text.substr(0, point);
  if (point < text.size())
    out.digits += text.substr(point + 1);
  auto zeros = std::min(out.digits.find_first_not_of('0'), out.digits.size());
  out.digits.erase(0, zeros);
  out.exponent -= static_cast<std::int64_t>(zeros);
  out.digits.erase(out.digits.find_last_not_of('0') + 1);
  return out.digits.empty() ? decimal{} : out;
}

bool equal_numbers(std::string_view a, std::string_view b) {
  if (a == b)
    return true;
  auto x = parse_decimal(a), y = parse_decimal(b);
  return x && y && *x == *y;
}

bool equal_arrays(value a, value b) {
  auto y = b.items().begin();
  for (auto item : a.items()) {
    if (!equal(item, *y))
      return false;
    ++y;
  }
  return true;
}

bool equal_objects(value a, value b) {
  auto sorted = [](value x) {
    std::vector<std::pair<std::string, value>> out;
    out.reserve(x.size());
    for (auto [key, val] : x.members())
      out.emplace_back(key.string(), val);
    std::sort(out.begin(), out.end(),
              [](const auto& l, const auto& r) { return l.first < r.first; });
    return out;
  };
  auto xs = sorted(a), ys = sorted(b);
  return std::equal(xs.begin(), xs.end(), ys.begin(), ys.end(),
                    [](const auto& l, const auto& r) {
                      return l.first == r.first && equal(l.second, r.second);
                    });
}

} // namespace

bool equal(value a, value b) {
  if (a.what() != b.what() || a.size() != b.size())
    return false;
  switch (a.what()) {
  case kind::null:
    return true;
  case kind::boolean:
    return a.raw() == b.raw();
  case kind::number:
    return equal_numbers(a.raw(), b.raw());
  case kind::string:
    return a.string() == b.string();
  case kind::array:
    return equal_arrays(a, b);
  case kind::object:
    return equal_objects(a, b);
  }
  return false;
}

} // namespace callboard::json

// NOLINTEND(misc-no-recursion)
