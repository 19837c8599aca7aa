#pragma once

#include "actors/model/event.hpp"
#include "actors/model/json.hpp"
#include "actors/model/problem.hpp"

#include <optional>
#include <string>
#include <string_view>

/// The checks that parse_event() is made of; not a seam.
namespace callboard {

/// Refuses the value `raw` at `pointer`; `remedy` says what would be right.
tl::unexpected<problem> bad_value(std::string_view pointer,
                                  std::string_view raw,
                                  std::string_view remedy);

/// Refuses an object because the member at `pointer` is not there.
tl::unexpected<problem> missing(std::string_view pointer,
                                std::string_view remedy);

/// `raw` cut to what fits into a sentence.
std::string shortened(std::string_view raw);

/// The content of a string, decoded into `buffer` only if it has escapes.
std::string_view text_of(json::value string, std::string& buffer);

/// Reads an id into `out`.
result<void> read_id(std::string& out, json::value id,
                     std::string_view pointer);

/// Check the body of an event by its type and note in `draft` what the state
/// machines need. `pointer` is the body's ("/data/changes", or "" for a
/// document that holds only the fields).
result<void> check_run_changes(event_draft& draft, json::value changes,
                               std::string_view pointer);
result<void> check_step_changes(event_draft& draft, json::value changes,
                                std::string_view pointer);
result<void> check_definition_changes(json::value changes,
                                      std::string_view pointer);
result<void> check_timeline_event(event_draft& draft, json::value event,
                                  std::string_view pointer);
result<void> check_artifact(event_draft& draft, json::value artifact,
                            std::string_view pointer);

} // namespace callboard
