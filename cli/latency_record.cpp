#include "cli/latency_record.hpp"

#include <algorithm>
#include <cmath>

namespace callboard {

std::uint64_t latency_record::upper_us(std::size_t at) noexcept {
  const auto row = at >> sub_bits;
  if (row == 0)
    return at;
  const auto shift = row - 1;
  const auto base
    = (std::uint64_t{1} << sub_bits) + (at & ((1u << sub_bits) - 1));
  return ((base + 1) << shift) - 1;
}

double latency_record::percentile_ms(double share) const noexcept {
  const auto wanted = static_cast<std::uint64_t>(
    std::ceil(share * static_cast<double>(total_)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= wanted && seen != 0)
      return static_cast<double>(std::min(upper_us(i), max_us_)) / 1000;
  }
  return 0;
}

} // namespace callboard
