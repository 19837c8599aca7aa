#pragma once

#include "actors/model/event.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace callboard::test {

inline const room_key room{{"acme"}, {"p1"}};
constexpr std::int64_t now_ms = 1'767'323'045'678; // 2026-01-02T03:04:05.678Z
inline const std::string now_text = "2026-01-02T03:04:05.678Z";

/// What parse_event() makes of a JSON text in project p1.
inline result<event_draft> parse(std::string text,
                                 const event_limits& limits = {}) {
  auto source = std::make_shared<const std::string>(std::move(text));
  auto doc = json::document::parse(*source, limits.json);
  if (!doc)
    return tl::unexpected<problem>{doc.error()};
  return parse_event(doc->root(), source, room.project, limits);
}

/// The same for a text that is right. Throws, which fails the test.
inline event_draft draft(std::string text) {
  auto out = parse(text);
  if (!out)
    throw std::runtime_error{text + " was refused: " + out.error().detail};
  return std::move(*out);
}

inline event_draft run_event(const std::string& changes,
                             const std::string& more = "") {
  return draft(R"({"type":"workflow:execution:updated",)" + more
               + R"("data":{"execution_id":"r1","changes":)" + changes + "}}");
}

inline event_draft step_event(const std::string& step,
                              const std::string& changes) {
  return draft(R"({"type":"workflow:execution:step:updated","data":{)"
               R"("execution_id":"r1","step_id":")"
               + step + R"(","changes":)" + changes + "}}");
}

} // namespace callboard::test
