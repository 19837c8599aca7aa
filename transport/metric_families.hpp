#pragma once

#include "actors/model/latency_histogram.hpp"

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace callboard {

/// What /metrics is made of, in the order in which it is shown. The page is
/// made anew at each scrape from figures that others count.
class metric_families {
public:
  void counter(std::string name, std::string help, double value) {
    prometheus::ClientMetric metric;
    metric.counter.value = value;
    add(std::move(name), std::move(help), prometheus::MetricType::Counter,
        std::move(metric));
  }

  void counter(std::string name, std::string help, std::uint64_t value) {
    counter(std::move(name), std::move(help), static_cast<double>(value));
  }

  void gauge(std::string name, std::string help, double value) {
    prometheus::ClientMetric metric;
    metric.gauge.value = value;
    add(std::move(name), std::move(help), prometheus::MetricType::Gauge,
        std::move(metric));
  }

  void gauge(std::string name, std::string help, std::uint64_t value) {
    gauge(std::move(name), std::move(help), static_cast<double>(value));
  }

  void histogram(std::string name, std::string help,
                 const latency_histogram::figures& x) {
    prometheus::ClientMetric metric;
    auto& out = metric.histogram;
    for (std::size_t i = 0; i < x.counts.size(); ++i) {
      out.sample_count += x.counts[i];
      auto bound = i < x.bounds.size()
                     ? x.bounds[i]
                     : std::numeric_limits<double>::infinity();
      out.bucket.push_back({out.sample_count, bound});
    }
    out.sample_sum = x.sum;
    add(std::move(name), std::move(help), prometheus::MetricType::Histogram,
        std::move(metric));
  }

  /// One family with a metric for each value of a label.
  void labelled(std::string name, std::string help, prometheus::MetricType type,
                const std::string& label,
                std::vector<std::pair<std::string, double>> values) {
    prometheus::MetricFamily family{std::move(name), std::move(help), type, {}};
    for (auto& [text, value] : values) {
      prometheus::ClientMetric metric;
      metric.label.push_back({label, text});
      (type == prometheus::MetricType::Counter ? metric.counter.value
                                               : metric.gauge.value)
        = value;
      family.metric.push_back(std::move(metric));
    }
    all_.push_back(std::move(family));
  }

  /// Several labels to each value.
  struct labelled_value {
    std::vector<prometheus::ClientMetric::Label> labels;
    double value = 0;
  };
  void labelled(std::string name, std::string help, prometheus::MetricType type,
                std::vector<labelled_value> values) {
    prometheus::MetricFamily family{std::move(name), std::move(help), type, {}};
    for (auto& x : values) {
      prometheus::ClientMetric metric;
      metric.label = std::move(x.labels);
      (type == prometheus::MetricType::Counter ? metric.counter.value
                                               : metric.gauge.value)
        = x.value;
      family.metric.push_back(std::move(metric));
    }
    all_.push_back(std::move(family));
  }

  std::vector<prometheus::MetricFamily> take() && {
    return std::move(all_);
  }

private:
  void add(std::string name, std::string help, prometheus::MetricType type,
           prometheus::ClientMetric x) {
    all_.push_back({std::move(name), std::move(help), type, {std::move(x)}});
  }

  std::vector<prometheus::MetricFamily> all_;
};

} // namespace callboard
