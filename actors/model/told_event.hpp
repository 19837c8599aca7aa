#pragma once

#include "actors/model/event.hpp"
#include "actors/model/json.hpp"
#include "actors/model/query.hpp"
#include "actors/model/states.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace callboard {

/// Which canonical event a type's name means.
event_type type_of(std::string_view type_name) noexcept;

/// One event taken apart for those who say it in other words: its frame and its
/// facts (event_facts.hpp) as one. Events of programs that knew no facts are
/// read as well as their frame allows: a status that stands in one was changed
/// by it, and nothing is numbered. What is ephemeral changes no state, and so
/// has none here.
/// The event must outlive this object. Threads: one.
class told_event {
public:
  explicit told_event(const posted_event& x);
  told_event(const told_event&) = delete;
  told_event& operator=(const told_event&) = delete;

  /// Whether the frame is an event's; nothing else may be asked if not.
  bool ok() const noexcept {
    return data_.has_value();
  }

  event_type type() const noexcept {
    return type_;
  }
  timeline_kind timeline() const;

  const std::string& id() const noexcept {
    return id_;
  }
  /// ISO 8601 UTC with milliseconds.
  const std::string& ts() const noexcept {
    return ts_;
  }
  std::int64_t ts_ms() const noexcept;
  const std::string& run() const noexcept {
    return event_.run.value;
  }
  const std::string& step() const noexcept {
    return event_.step.value;
  }
  bool of_tenant() const noexcept {
    return of_tenant_;
  }

  /// `data` of the frame, and what happened in it: `changes`, `event` or
  /// `artifact` (else `data` itself).
  json::value data() const noexcept {
    return *data_;
  }
  json::value body() const noexcept {
    return *body_;
  }

  /// The status that the event changed its run's, or its step's, to.
  std::optional<run_status> run_became() const;
  std::optional<step_status> step_became() const;

  /// The raw value that a field of the run or step has after the event; empty:
  /// none. Known only of fields that go with the change of status.
  std::string_view field(std::string_view name) const;
  /// The same of a string, decoded; `otherwise` if there is none.
  std::string text(std::string_view name,
                   std::string_view otherwise = {}) const;

  /// The first start of the run.
  bool is_first_start() const;
  /// The run goes on after a pause; not when a second worker takes it.
  bool resumes() const;
  bool begins() const;
  /// "start", "end", "both" or empty.
  std::string_view task() const;
  bool asks() const;
  /// Raw: what the workflow is called.
  std::string_view workflow() const;
  std::string_view nodes() const;
  std::string_view failed_step() const;
  std::string_view reason() const;
  /// The name of an artifact's step, its id, or empty; raw.
  std::string_view node() const;
  /// 0: none.
  std::uint64_t phase() const;

  struct progress_numbers {
    std::string_view completed, total; ///< Raw.
  };
  /// If the event changed it.
  std::optional<progress_numbers> progress() const;

  /// `completed_at` minus `started_at`, at least 0; 0 if not both are known.
  std::int64_t duration_ms() const;

private:
  bool is_old() const noexcept {
    return !facts_ && event_.seq != event_seq{};
  }
  bool moved() const;
  std::optional<json::value> fact(std::string_view name) const;
  std::string_view raw_fact(std::string_view name) const;

  const posted_event& event_;
  event_type type_;
  json::document frame_doc_, facts_doc_;
  std::optional<json::value> data_, body_, facts_, fields_;
  std::string id_, ts_;
  bool of_tenant_ = false;
};

} // namespace callboard
