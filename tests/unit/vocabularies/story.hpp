#pragma once

#include "actors/model/event_facts.hpp"
#include "actors/model/run_machine.hpp"
#include "transport/vocabularies/vocabulary.hpp"

#include "tests/unit/model/drafts.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace callboard::test {

/// Decides about events as a run's owner does, and shows what the vocabularies
/// make of them. The first event is of 2026-01-02T03:04:05.678Z, each further
/// one of a second later.
class story {
public:
  /// Whether events are given with the facts that their owner attached.
  bool with_facts = true;
  std::int64_t now = now_ms;
  run_machine machine;

  posted_event post(const event_record& record) {
    posted_event out;
    out.seq = {++seq_};
    out.run = record.run;
    out.step = record.step;
    out.frame
      = std::make_shared<const std::string>(frame_text(out.seq, record.tail));
    name(out, record.type_name());
    if (with_facts)
      out.facts = shared_facts(record.facts);
    return out;
  }

  posted_event decide(const event_draft& x) {
    auto at = now;
    now += 1000;
    if (x.delivery == event_delivery::ephemeral) {
      posted_event out;
      out.run = x.run;
      out.step = x.step;
      out.frame
        = std::make_shared<const std::string>(ephemeral_frame(x, room, at));
      name(out, x.type_name);
      return out;
    }
    if (x.run.empty()) {
      auto where = room;
      if (x.scope == event_scope::tenant)
        where.project = {};
      return post(decide_room_event(x, where, at));
    }
    auto record = machine.decide(x, room, at);
    if (!record) {
      ADD_FAILURE() << record.error().detail;
      return {};
    }
    return post(*record);
  }

  posted_event run(const std::string& changes) {
    return decide(
      draft(R"({"type":"workflow:execution:updated","id":"ev","data":)"
            R"({"execution_id":"r1","changes":)"
            + changes + "}}"));
  }

  posted_event step(const std::string& id, const std::string& changes) {
    return decide(
      draft(R"({"type":"workflow:execution:step:updated","id":"ev","data":)"
            R"({"execution_id":"r1","step_id":")"
            + id + R"(","changes":)" + changes + "}}"));
  }

  posted_event timeline(const std::string& event) {
    return decide(
      draft(R"({"type":"workflow:execution:event:created","id":"ev","data":)"
            R"({"execution_id":"r1","event":)"
            + event + "}}"));
  }

  posted_event artifact(const std::string& artifact) {
    return decide(
      draft(R"({"type":"workflow:execution:artifact:created","id":"ev",)"
            R"("data":{"execution_id":"r1","artifact":)"
            + artifact + "}}"));
  }

private:
  static void name(posted_event& x, std::string_view type) {
    std::string_view frame = *x.frame;
    x.type_name = frame.substr(frame.find(type), type.size());
  }

  std::uint64_t seq_ = 0;
};

inline std::vector<std::string> said(const vocabulary& in,
                                     const posted_event& x) {
  std::vector<std::string> out;
  in.say(x, out);
  for (auto& text : out)
    EXPECT_TRUE(json::document::parse(text)) << text;
  return out;
}

using texts = std::vector<std::string>;

} // namespace callboard::test
