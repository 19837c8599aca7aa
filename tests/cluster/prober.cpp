#include "tests/cluster/prober.hpp"

#include <algorithm>
#include <memory>
#include <optional>

namespace callboard::test {

prober::prober(const cluster_process& cluster, int node, std::string project)
    : cluster_{cluster}, node_{node}, project_{std::move(project)},
      thread_{[this](const std::stop_token& stop) { work(stop); }} {
  // nop
}

void prober::work(const std::stop_token& stop) {
  std::unique_ptr<http_client> http;
  std::uint64_t number = 0;
  std::optional<time> sent; // since when this event waits
  while (!stop.stop_requested()) {
    const auto id = project_ + "-probe-" + std::to_string(number);
    if (!sent)
      sent = steady::now();
    bool good = false;
    try {
      const auto here = cluster_.where(node_);
      if (!http)
        http
          = std::make_unique<http_client>(cluster_.port(node_), make_token({}));
      good = http->publish(project_, {{"type", "test:probe"},
                                      {"id", id},
                                      {"data", {{"n", number}}}})
                 .status
               / 100
             == 2;
    } catch (const std::exception&) {
      http.reset();
    }
    const std::scoped_lock lock{mutex_};
    if (!good) {
      ++failures_;
      continue;
    }
    accepted_.push_back({*sent, steady::now()});
    sent.reset();
    ++number;
  }
}

std::chrono::milliseconds prober::longest(time from, time to) const {
  const std::scoped_lock lock{mutex_};
  std::chrono::milliseconds result{0};
  for (const auto& x : accepted_) {
    if (x.answered >= from && x.sent <= to)
      result = std::max(result, std::chrono::ceil<std::chrono::milliseconds>(
                                  x.answered - x.sent));
  }
  return result;
}

bool prober::goes_on(std::uint64_t events) const {
  const auto wanted = accepted() + events;
  return eventually([&] { return accepted() >= wanted; });
}

std::uint64_t prober::accepted() const {
  const std::scoped_lock lock{mutex_};
  return accepted_.size();
}

std::uint64_t prober::failures() const {
  const std::scoped_lock lock{mutex_};
  return failures_;
}

} // namespace callboard::test
