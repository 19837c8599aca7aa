#include "config/units.hpp"

#include <array>
#include <charconv>
#include <limits>
#include <span>

namespace callboard {

namespace {

struct unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::uint64_t kibi = 1024;
constexpr std::uint64_t kilo = 1000;

constexpr std::array size_units{
  unit{"", 1},
  unit{"B", 1},
  unit{"KiB", kibi},
  unit{"MiB", kibi* kibi},
  unit{"GiB", kibi* kibi* kibi},
  unit{"TiB", kibi* kibi* kibi* kibi},
  unit{"kB", kilo},
  unit{"MB", kilo* kilo},
  unit{"GB", kilo* kilo* kilo},
  unit{"TB", kilo* kilo* kilo* kilo},
};

constexpr std::array duration_units{
  unit{"ms", 1},        unit{"s", 1000},       unit{"m", 60'000},
  unit{"h", 3'600'000}, unit{"d", 86'400'000},
};

result<std::uint64_t> parse(std::string_view text, std::span<const unit> units,
                            std::string_view expected) {
  std::uint64_t number = 0;
  const auto* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  auto name = std::string_view{rest, static_cast<std::size_t>(end - rest)};
  while (name.starts_with(' '))
    name.remove_prefix(1);
  if (error == std::errc{}) {
    if (number == 0 && name.empty())
      return std::uint64_t{0};
    for (const auto& x : units) {
      if (x.name != name)
        continue;
      // Everything that reads these is signed somewhere: stay below 2^63.
      constexpr auto most = std::numeric_limits<std::int64_t>::max();
      if (number > static_cast<std::uint64_t>(most) / x.factor)
        break;
      return number * x.factor;
    }
  }
  return fail(errc::invalid, "expected " + std::string{expected});
}

/// The number in the largest of `units` that divides `x`.
std::string format(std::uint64_t x, std::span<const unit> units) {
  const auto* best = &units.front();
  for (const auto& each : units)
    if (x % each.factor == 0 && each.factor >= best->factor)
      best = &each;
  return std::to_string(x / best->factor) + std::string{best->name};
}

} // namespace

result<std::uint64_t> parse_size(std::string_view text) {
  return parse(text, size_units,
               "a size: a whole number of bytes, or with KiB, MiB or GiB");
}

result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  return parse(text, duration_units,
               "a duration: a whole number with ms, s, m, h or d")
    .map([](std::uint64_t x) { return std::chrono::milliseconds{x}; });
}

std::string format_size(std::uint64_t bytes) {
  if (bytes == 0)
    return "0";
  constexpr std::span<const unit> all{size_units};
  return format(bytes, bytes % kibi != 0 ? all.first(1) : all.subspan(2, 4));
}

std::string format_duration(std::chrono::milliseconds x) {
  if (x.count() == 0)
    return "0";
  return format(static_cast<std::uint64_t>(x.count()), duration_units);
}

} // namespace callboard
