#pragma once

#include <boost/json/object.hpp>

#include <cstddef>
#include <initializer_list>
#include <random>
#include <string>
#include <string_view>
#include <utility>

namespace callboard::test {

/// A producer that does not care whether what it sends is allowed.
class careless_producer {
public:
  static constexpr int runs = 4;

  /// Of the i-th run; `prefix` tells producers apart.
  static std::string run_name(const std::string& prefix, int i) {
    return prefix + "r" + std::to_string(i);
  }

  explicit careless_producer(unsigned seed, std::string prefix = {})
      : random_{seed}, prefix_{std::move(prefix)} {
    // nop
  }

  std::size_t below(std::size_t n) {
    return random_() % n;
  }

  boost::json::object event() {
    auto run = run_name(prefix_, static_cast<int>(below(runs)));
    switch (below(12)) {
    case 0:
    case 1:
      return event("updated", run, {{"changes", run_changes()}});
    case 2:
      return event(
        "event:created", run,
        {{"event", boost::json::object{{"kind", "counter"},
                                       {"name", "c" + digit(3)},
                                       {"count", below(100)},
                                       {"date", "2026-01-0" + digit(9)}}}});
    case 3:
      return event("event:created", run,
                   {{"event", boost::json::object{
                                {"kind", "log"},
                                {"level", one_of({"info", "warn", "error"})},
                                {"message", "m" + digit(9)}}}});
    case 4:
      return event("event:created", run,
                   {{"event", boost::json::object{{"kind", "annotation"},
                                                  {"message", "a"}}}});
    case 5:
      return event(
        "artifact:created", run,
        {{"artifact", boost::json::object{{"id", "a" + digit(9) + digit(9)},
                                          {"step_id", "s" + digit(5)}}}});
    default:
      return event("step:updated", run,
                   {{"step_id", "s" + digit(5)}, {"changes", step_changes()}});
    }
  }

private:
  static boost::json::object event(std::string_view what, std::string_view run,
                                   boost::json::object data) {
    data["execution_id"] = run;
    return {{"type", "workflow:execution:" + std::string{what}},
            {"data", std::move(data)}};
  }

  std::string digit(std::size_t n) {
    return std::to_string(below(n));
  }

  std::string one_of(std::initializer_list<const char*> words) {
    return words.begin()[below(words.size())];
  }

  boost::json::object run_changes() {
    boost::json::object x;
    if (below(3) != 0)
      x["status"] = below(8) == 0 ? one_of({"completed", "failed", "cancelled"})
                                  : one_of({"running", "running", "paused"});
    if (below(4) == 0)
      x["output"] = boost::json::object{{"n", below(9)}};
    if (below(4) == 0)
      x["error_message"] = "e" + digit(9);
    if (below(5) == 0)
      x["progress"] = boost::json::object{{"completed", below(9)}};
    if (below(8) == 0)
      x["progress"] = nullptr;
    if (below(5) == 0)
      x["metrics"] = boost::json::object{{"m", below(9)}};
    return x;
  }

  boost::json::object step_changes() {
    boost::json::object x;
    if (below(4) != 0)
      x["status"]
        = one_of({"running", "running", "running", "waiting", "retrying",
                  "completed", "failed", "failed", "skipped", "cancelled"});
    for (auto key : {"name", "kind", "error_message", "metadata", "output"})
      if (below(5) == 0) {
        if (below(4) == 0)
          x[key] = nullptr;
        else
          x[key] = "v" + digit(9);
      }
    if (below(6) == 0)
      x["input_request"] = boost::json::object{{"prompt", "p" + digit(9)}};
    if (below(6) == 0)
      x["metrics"] = boost::json::object{{"m", below(9)}};
    if (below(6) == 0)
      x["attempt"] = below(5);
    return x;
  }

  std::mt19937 random_;
  std::string prefix_;
};

} // namespace callboard::test
