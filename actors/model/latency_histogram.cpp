#include "actors/model/latency_histogram.hpp"

namespace callboard {

void latency_histogram::observe(std::chrono::nanoseconds x) noexcept {
  auto seconds = std::chrono::duration<double>(x).count();
  std::size_t i = 0;
  while (i < bounds.size() && seconds > bounds[i])
    ++i;
  counts_[i].fetch_add(1, std::memory_order_relaxed);
  sum_ns_.fetch_add(static_cast<std::uint64_t>(x.count()),
                    std::memory_order_relaxed);
}

latency_histogram::figures latency_histogram::read() const {
  figures result;
  result.bounds.assign(bounds.begin(), bounds.end());
  for (auto& count : counts_)
    result.counts.push_back(count.load(std::memory_order_relaxed));
  result.sum
    = static_cast<double>(sum_ns_.load(std::memory_order_relaxed)) / 1e9;
  return result;
}

} // namespace callboard
