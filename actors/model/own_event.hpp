#pragma once

#include "actors/model/event.hpp"
#include "actors/model/event_record.hpp"
#include "actors/model/json_text.hpp"

#include <string>
#include <string_view>

/// Events that the engine publishes by itself; not a seam.
namespace callboard {

/// An event of the engine's own making. Owns its text; draft() points into it.
class own_event {
public:
  /// `body` is the raw object under `body_key`; `step` may be empty.
  own_event(event_type type, std::string_view type_name, const room_key& room,
            const run_id& run, const step_id& step, std::string_view body_key,
            std::string_view body) {
    json::append_string_member(data_, "execution_id", run.value);
    json::append_string_member(data_, "project_id", room.project.value);
    if (!step.empty())
      json::append_string_member(data_, "step_id", step.value);
    json::append_member(data_, body_key, body);
    data_ += '}';
    draft_.type = type;
    draft_.type_name = type_name;
    draft_.run = run;
    draft_.step = step;
    draft_.id.value = new_uuid7();
    draft_.data = data_;
    draft_.body
      = draft_.data.substr(data_.size() - 1 - body.size(), body.size());
    draft_.has_project_id = true;
  }

  own_event(const own_event&) = delete;
  own_event& operator=(const own_event&) = delete;

  event_draft& draft() noexcept {
    return draft_;
  }

private:
  std::string data_{"{"};
  event_draft draft_;
};

/// A timeline event of a run. `members` are raw, without outer commas.
event_record own_timeline(const run_id& run, const room_key& room,
                          std::string_view kind, std::string_view members,
                          std::int64_t now_ms);

} // namespace callboard
