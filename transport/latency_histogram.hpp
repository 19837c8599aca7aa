#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace callboard {

/// Counts durations in fixed buckets. Any thread adds, without locks; a reader
/// may see an addition half done, which a scrape can bear.
class latency_histogram {
public:
  static constexpr std::array bounds{0.0005, 0.001, 0.0025, 0.005, 0.01,
                                     0.025,  0.05,  0.1,    0.25,  0.5,
                                     1.0,    2.5,   5.0,    10.0};

  void add(std::chrono::nanoseconds x) noexcept {
    auto seconds = std::chrono::duration<double>(x).count();
    std::size_t i = 0;
    while (i < bounds.size() && seconds > bounds[i])
      ++i;
    counts[i].fetch_add(1, std::memory_order_relaxed);
    sum_ns.fetch_add(static_cast<std::uint64_t>(x.count()),
                     std::memory_order_relaxed);
  }

  std::array<std::atomic<std::uint64_t>, bounds.size() + 1> counts{};
  std::atomic<std::uint64_t> sum_ns{0};
};

} // namespace callboard
