#pragma once

#include "actors/model/event.hpp"
#include "actors/model/run_machine.hpp"
#include "storage/entry.hpp"
#include "storage/state_store.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callboard::test {

/// One event as it was numbered, for tests that replay.
struct published {
  room_key room;
  event_seq seq;
  event_record record;
};

/// Stands in for the leader: decides about events, numbers them, and makes log
/// entries of them.
class publisher {
public:
  explicit publisher(std::string tenant = "t") : tenant_{std::move(tenant)} {
    // nop
  }

  room_key room(const std::string& project) const {
    return {{tenant_}, {project}};
  }

  /// Adds one event (JSON as in contract 1) to the entry under way. The answer
  /// is its number, or 0 if the state machine refused it.
  event_seq add(const std::string& project, const std::string& json) {
    auto source = std::make_shared<const std::string>(json);
    auto doc = json::document::parse(*source);
    EXPECT_TRUE(doc) << json;
    auto draft = parse_event(doc->root(), source, {project}, {});
    EXPECT_TRUE(draft) << draft.error().detail << ' ' << json;
    room_key where{{tenant_}, {project}};
    if (draft->scope == event_scope::tenant)
      where.project = {};
    ++now_ms;
    event_record record;
    if (draft->run.empty()) {
      record = decide_room_event(*draft, where, now_ms);
    } else {
      auto decided
        = machines_[{project, draft->run.value}].decide(*draft, where, now_ms);
      if (!decided)
        return {};
      record = std::move(*decided);
    }
    auto seq = heads_[where] = next(heads_[where]);
    entry_.add(where, seq, epoch, record);
    log.push_back({where, seq, std::move(record)});
    return seq;
  }

  /// Adds the events of a command; false if it was refused.
  bool order(const std::string& project, const command_arguments& command) {
    auto where = room(project);
    auto& machine = machines_[{project, command.run.value}];
    ++now_ms;
    std::vector<event_record> records;
    if (command.what == run_command::create) {
      if (auto made = machine.create(command, where, now_ms))
        records.push_back(std::move(*made));
    } else if (auto decided = machine.decide(command, where, now_ms)) {
      records = std::move(*decided);
    }
    for (auto& record : records) {
      auto seq = heads_[where] = next(heads_[where]);
      entry_.add(where, seq, epoch, record);
      log.push_back({where, seq, std::move(record)});
    }
    return !records.empty();
  }

  /// As if the run's owner had left the memory and come back from the store.
  void reload(const std::string& project, const std::string& run,
              std::optional<run_brief> stored) {
    machines_[{project, run}]
      = stored ? run_machine{std::move(*stored)} : run_machine{};
  }

  void trim(const std::string& project, event_seq upto) {
    entry_.trim(room(project), upto);
  }

  /// Ends the entry under way.
  std::string take() {
    return entry_.take();
  }

  event_seq head(const std::string& project) const {
    auto found = heads_.find(room(project));
    return found == heads_.end() ? event_seq{} : found->second;
  }

  std::int64_t now_ms = 1'700'000'000'000;
  std::uint64_t epoch = 4711;
  std::vector<published> log;

private:
  std::string tenant_;
  entry_writer entry_;
  std::map<room_key, event_seq> heads_;
  std::map<std::pair<std::string, std::string>, run_machine> machines_;
};

inline std::string run_event(const std::string& run,
                             const std::string& changes) {
  return R"({"type":"workflow:execution:updated","data":{"execution_id":")"
         + run + R"(","changes":)" + changes + "}}";
}

inline std::string step_event(const std::string& run, const std::string& step,
                              const std::string& changes) {
  return R"({"type":"workflow:execution:step:updated","data":{"execution_id":")"
         + run + R"(","step_id":")" + step + R"(","changes":)" + changes + "}}";
}

inline std::string timeline_event(const std::string& run,
                                  const std::string& event) {
  return R"({"type":"workflow:execution:event:created","data":{"execution_id":")"
         + run + R"(","event":)" + event + "}}";
}

inline std::string artifact_event(const std::string& run,
                                  const std::string& artifact) {
  return R"({"type":"workflow:execution:artifact:created","data":{"execution_id":")"
         + run + R"(","artifact":)" + artifact + "}}";
}

inline std::string definition_event(const std::string& id,
                                    const std::string& changes) {
  return R"({"type":"workflow:definition:updated","data":{"definition_id":")"
         + id + R"(","changes":)" + changes + "}}";
}

/// A JSON value taken out of a document by a path such as "steps/0/name", as
/// raw text; "(none)" where there is none.
inline std::string at(const std::string& json, std::string_view path) {
  auto doc = json::document::parse(json);
  if (!doc)
    return "(not JSON: " + json + ")";
  auto value = doc->root();
  while (!path.empty()) {
    auto part = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), part.size() + 1));
    std::optional<json::value> inner;
    if (value.is(json::kind::array)) {
      std::size_t index = std::stoul(std::string{part});
      for (auto item : value.items())
        if (index-- == 0)
          inner = item;
    } else {
      inner = value.find(part);
    }
    if (!inner)
      return "(none)";
    value = *inner;
  }
  return std::string{value.raw()};
}

inline std::size_t items_of(const std::string& json) {
  auto doc = json::document::parse(json);
  return doc->root().find("items")->size();
}

} // namespace callboard::test
