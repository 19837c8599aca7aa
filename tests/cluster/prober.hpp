#pragma once

#include "tests/support/cluster_process.hpp"

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace callboard::test {

/// Publishes one event after the other through one node, without a rest, and
/// notes how long each took to be accepted: what a hand-over or a lost leader
/// costs. Its project should not be one of a load.
class prober {
public:
  prober(const cluster_process& cluster, int node, std::string project);

  using time = std::chrono::steady_clock::time_point;

  /// The longest that an event which was under way at some time in [from, to]
  /// waited to be accepted.
  std::chrono::milliseconds longest(time from, time to) const;

  /// Waits until that many more events were accepted.
  bool goes_on(std::uint64_t events = 20) const;

  std::uint64_t accepted() const;

  /// Answers other than success, and lost connections.
  std::uint64_t failures() const;

private:
  struct accepted_event {
    time sent;
    time answered;
  };

  void work(const std::stop_token& stop);

  const cluster_process& cluster_;
  int node_;
  std::string project_;
  mutable std::mutex mutex_;
  std::vector<accepted_event> accepted_;
  std::uint64_t failures_ = 0;
  std::jthread thread_; // last: ends first
};

} // namespace callboard::test
