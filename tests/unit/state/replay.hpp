#pragma once

#include "tests/unit/state/publisher.hpp"

#include <map>
#include <string>
#include <vector>

namespace callboard::test {

/// What the events of a room add up to, computed in the simplest way: the
/// yardstick for the store.
class replay {
public:
  struct step {
    std::string id;
    field_map fields;
  };

  struct run {
    field_map fields;
    std::vector<step> steps;
    std::map<std::string, std::int64_t> counters;
    std::vector<std::pair<std::string, std::string>> artifacts;
    std::vector<std::string> timeline; ///< Ids.
  };

  void add(const event_record& x) {
    if (x.run.empty())
      return;
    auto& of = start(runs[x.run.value], x);
    auto body = std::string{x.body()};
    if (x.type == event_type::run_updated) {
      ASSERT_TRUE(of.fields.merge(body));
    } else if (x.type == event_type::step_updated) {
      ASSERT_TRUE(find(of, x).fields.merge(body));
    } else if (x.type == event_type::timeline_created) {
      of.timeline.push_back(at(body, "id"));
      if (x.timeline == timeline_kind::counter)
        of.counters[at(body, "name")] += std::stoll(at(body, "count"));
    } else {
      auto id = at(body, "id");
      for (auto& [known, text] : of.artifacts)
        if (known == id) {
          text = body;
          return;
        }
      of.artifacts.emplace_back(id, body);
    }
  }

  std::map<std::string, run> runs;

private:
  template <class T>
  static T& start(T& it, const event_record& x) {
    if (it.fields.fields().empty()) {
      it.fields.set("status", "\"pending\"");
      it.fields.set("created_at", json::quoted(iso8601(x.ts_ms)));
    }
    return it;
  }

  static step& find(run& of, const event_record& x) {
    for (auto& known : of.steps)
      if (known.id == x.step.value)
        return known;
    of.steps.push_back({x.step.value, {}});
    return start(of.steps.back(), x);
  }
};

} // namespace callboard::test
