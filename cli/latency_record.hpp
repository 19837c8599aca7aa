#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace callboard {

/// Counts durations in buckets of about 1 % width, from 1 µs to over an hour.
class latency_record {
public:
  latency_record() : counts_(bucket_count) {
    // nop
  }

  void add(std::int64_t nanoseconds, std::uint64_t times = 1) noexcept {
    const auto us
      = nanoseconds <= 0 ? 0 : static_cast<std::uint64_t>(nanoseconds) / 1000;
    counts_[index(us)] += times;
    total_ += times;
    if (us > max_us_)
      max_us_ = us;
  }

  std::uint64_t count() const noexcept {
    return total_;
  }

  /// The duration that `share` (0 to 1) of all stay within, in milliseconds.
  double percentile_ms(double share) const noexcept;

  double max_ms() const noexcept {
    return static_cast<double>(max_us_) / 1000;
  }

private:
  static constexpr unsigned sub_bits = 6; // 64 buckets per power of two
  static constexpr std::size_t bucket_count = std::size_t{40} << sub_bits;

  static std::size_t index(std::uint64_t us) noexcept {
    const auto bits = static_cast<unsigned>(std::bit_width(us));
    if (bits <= sub_bits)
      return us;
    const auto shift = bits - sub_bits - 1;
    const auto at = (std::size_t{shift + 1} << sub_bits)
                    + ((us >> shift) - (1u << sub_bits));
    return at < bucket_count ? at : bucket_count - 1;
  }

  /// The largest duration of a bucket.
  static std::uint64_t upper_us(std::size_t at) noexcept;

  std::vector<std::uint64_t> counts_;
  std::uint64_t total_ = 0;
  std::uint64_t max_us_ = 0;
};

} // namespace callboard
