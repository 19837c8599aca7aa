#pragma once

#include "tests/cluster/load.hpp"
#include "tests/support/cluster_process.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace callboard::test {

using namespace std::chrono_literals;

/// The value below which that share of them lies; they get sorted.
template <class T>
T percentile(std::vector<T> xs, double share) {
  if (xs.empty())
    return {};
  std::sort(xs.begin(), xs.end());
  const auto at
    = static_cast<std::size_t>(share * static_cast<double>(xs.size()));
  return xs[std::min(at, xs.size() - 1)];
}

/// A test with a cluster of its own, whose logs are shown when it fails.
class cluster_test : public ::testing::Test {
protected:
  void make_cluster(cluster_process::options opts = {}) {
    nodes_ = std::make_unique<cluster_process>(std::move(opts));
  }

  void TearDown() override {
    if (nodes_ && HasFailure())
      std::cerr << nodes_->log_ends(40);
  }

  /// Ends all nodes; for tests whose network ends before this object.
  void drop_cluster() {
    nodes_.reset();
  }

  cluster_process& nodes() {
    return *nodes_;
  }

  /// Publishes one event through a node, waiting for it as long as `limit`.
  /// @returns its seq; nothing when it was not accepted.
  std::optional<std::uint64_t> publish(int node, const std::string& project,
                                       const json::object& event,
                                       std::chrono::milliseconds limit = 15s) {
    try {
      const auto response
        = nodes().ask(node, "POST", "/v1/projects/" + project + "/events",
                      json::serialize(event), limit);
      last_answer_ = std::to_string(response.status) + " " + response.body;
      if (response.status / 100 != 2)
        return std::nullopt;
      return response.object()
        .at("results")
        .as_array()
        .front()
        .at("seq")
        .to_number<std::uint64_t>();
    } catch (const std::exception& x) {
      last_answer_ = x.what();
      return std::nullopt;
    }
  }

  /// What publish() was told last.
  const std::string& last_answer() const {
    return last_answer_;
  }

  /// The sum of a node's figures of that name, with whatever labels.
  double figure(int i, const std::string& name) {
    const auto text = nodes().get(i, "/metrics").body;
    double sum = 0;
    for (std::size_t at = 0;
         (at = text.find("\n" + name, at)) != std::string::npos;) {
      at += name.size() + 1;
      if (text[at] == '{' || text[at] == ' ')
        sum += std::stod(text.substr(text.find(' ', at)));
    }
    return sum;
  }

  /// Prints a measured figure and notes it in the test's report.
  static void show(const std::string& what,
                   const std::vector<std::chrono::milliseconds>& times) {
    const auto at = [&](double share) {
      return std::to_string(percentile(times, share).count());
    };
    const auto text = "median " + at(0.5) + " ms, p99 " + at(0.99)
                      + " ms, worst " + at(1) + " ms of "
                      + std::to_string(times.size());
    std::cout << "[  FIGURE  ] " << what << ": " << text << std::endl;
    RecordProperty(what, text);
  }

  /// A number from the environment, for longer runs than the default.
  static int setting(const char* name, int otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::atoi(text);
  }

private:
  std::unique_ptr<cluster_process> nodes_;
  std::string last_answer_;
};

inline json::object plain_event(const std::string& id) {
  return {{"type", "test:n"}, {"id", id}, {"data", {{"from", "test"}}}};
}

inline json::object run_change(const std::string& run, json::object changes) {
  return {{"type", "workflow:execution:updated"},
          {"data", {{"execution_id", run}, {"changes", std::move(changes)}}}};
}

} // namespace callboard::test
