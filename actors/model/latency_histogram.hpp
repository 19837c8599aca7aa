#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace callboard {

/// Counts durations in fixed buckets. Any thread adds, without locks; a reader
/// may see an addition half done, which a scrape can bear.
class latency_histogram {
public:
  struct figures {
    std::vector<double> bounds;        ///< Upper ones, in seconds.
    std::vector<std::uint64_t> counts; ///< Per bucket, and one more: +Inf.
    double sum = 0;                    ///< In seconds.
  };

  void observe(std::chrono::nanoseconds x) noexcept;
  figures read() const;

private:
  static constexpr std::array bounds{
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
    0.05,   0.1,     0.25,   0.5,   1.0,    2.5,   5.0,  10.0};

  std::array<std::atomic<std::uint64_t>, bounds.size() + 1> counts_{};
  std::atomic<std::uint64_t> sum_ns_{0};
};

} // namespace callboard
