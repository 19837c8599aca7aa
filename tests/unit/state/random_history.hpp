#pragma once

#include "tests/unit/state/publisher.hpp"

#include <random>
#include <string>

namespace callboard::test {

/// Publishes whatever comes, from a seed: runs, steps, timelines, artifacts,
/// definitions, large values, cleared fields. What the state machines refuse is
/// left out.
class random_history {
public:
  random_history(publisher& out, std::uint32_t seed)
      : out_{out}, random_{seed} {
    // nop
  }

  void step() {
    auto run = "e" + number(5);
    switch (below(9)) {
    case 0:
      out_.add(project(), run_event(run, changes(run_statuses[below(6)])));
      break;
    case 1:
    case 2:
    case 3:
      out_.add(project(), step_event(run, "s" + number(6),
                                     changes(step_statuses[below(8)])));
      break;
    case 4:
      out_.add(project(), timeline_event(run, R"({"kind":"log","message":)"
                                                + value() + "}"));
      break;
    case 5:
      out_.add(project(),
               timeline_event(run, R"({"kind":"counter","name":"c)" + number(3)
                                     + R"(","count":)" + number(100) + "}"));
      break;
    case 6:
      out_.add(project(), artifact_event(run, R"({"id":"a)" + number(4)
                                                + R"(","x":)" + value() + "}"));
      break;
    case 7:
      out_.add(project(), definition_event("d" + number(3),
                                           below(4) == 0 ? R"({"deleted":true})"
                                                         : changes("x")));
      break;
    case 8:
      out_.add(project(), R"({"type":"kb:x","data":{"v":)" + value() + "}}");
      break;
    }
  }

  std::uint32_t below(std::uint32_t n) {
    return static_cast<std::uint32_t>(random_() % n);
  }

  std::string project() {
    return "p" + number(2);
  }

private:
  static constexpr const char* run_statuses[]
    = {"pending", "running", "paused", "completed", "failed", "cancelled"};
  static constexpr const char* step_statuses[]
    = {"pending",   "running", "waiting", "retrying",
       "completed", "failed",  "skipped", "cancelled"};

  std::string number(std::uint32_t n) {
    return std::to_string(below(n));
  }

  std::string value() {
    switch (below(7)) {
    case 0:
      return "null";
    case 1:
      return "1.0";
    case 2:
      return R"({"a":[1,2,{"b":null}]})";
    case 3:
      return '"' + std::string(4000 + below(200), 'v') + '"'; // about the limit
    case 4:
      return R"("\u00e9\n")";
    default:
      return number(1'000'000);
    }
  }

  std::string changes(const std::string& status) {
    static constexpr const char* names[]
      = {"output", "x", "y", "k\\u0065y", "z", "v", "w"};
    std::string text = "{";
    if (below(2) == 0)
      text += R"("status":")" + status + R"(",)";
    if (below(5) == 0)
      text += R"("workflow_definition_id":"d)" + number(3) + R"(",)";
    if (below(5) == 0)
      text += below(3) == 0 ? R"("name":null,)"
                            : R"("name":"n)" + number(9) + R"(",)";
    static constexpr const char* told[]
      = {"kind", "error_message", "metrics", "workflow_name", "metadata"};
    if (below(2) == 0) {
      auto* name = told[below(5)];
      text += '"' + std::string{name} + "\":"
              + (below(3) == 0 ? "null" : "\"t" + number(9) + '"') + ',';
    }
    if (below(6) == 0)
      text += R"("progress":{"completed":)" + number(9) + "},";
    auto first = below(7);
    auto count = below(3);
    for (std::uint32_t i = 0; i < count; ++i)
      text += '"' + std::string{names[(first + i) % 7]} + "\":" + value() + ',';
    if (text.back() == ',')
      text.pop_back();
    return text + "}";
  }

  publisher& out_;
  std::mt19937 random_;
};

} // namespace callboard::test
