#include "actors/model/event_facts.hpp"
#include "storage/coding.hpp"
#include "storage/counter_sum.hpp"
#include "storage/state_fold.hpp"

namespace callboard {

result<void> state_fold::add_to_run(room_work& room, run_work& run,
                                    const entry_item& item,
                                    const record_view& event) {
  switch (event.type) {
  case event_type::run_updated:
    return update_run(room, run, item.seq, event);
  case event_type::step_updated:
    return update_step(run, event);
  case event_type::timeline_created:
    return add_timeline(run, event);
  case event_type::artifact_created:
    return add_artifact(run, item.seq, event);
  case event_type::step_stream:
  case event_type::definition_updated:
  case event_type::custom:
    break;
  }
  return {};
}

result<void> state_fold::load_header(room_work& room, run_work& run) {
  if (run.row)
    return {};
  key_.assign(run.row_prefix)
    .push_back(static_cast<char>(keys::run_part::header));
  auto found = read(key_);
  if (!found)
    return tl::unexpected{found.error()};
  if (!*found)
    return fail(errc::internal,
                "run \"" + run.id
                  + "\" has a tally but no header; the store is "
                    "damaged");
  auto row = rows::decode_run(view(value_));
  if (!row)
    return tl::unexpected{row.error()};
  run.row = std::move(*row);
  run.large = rows::large_fields(run.row->fields);
  run.listed_status = run.row->status;
  run.listed_definition = rows::listed_definition(run.row->fields);
  run.listed_queue = queue_key(room, run);
  run.listed_lease = lease_key(room, run);
  return {};
}

result<void> state_fold::update_run(room_work& room, run_work& run,
                                    event_seq seq, const record_view& event) {
  if (auto loaded = load_header(room, run); !loaded)
    return loaded;
  auto& row = *run.row;
  if (auto merged = row.fields.merge(event.body); !merged)
    return merged;
  if (auto status = parse_run_status(rows::text_field(row.fields, "status")))
    row.status = *status;
  if (run.created_by == seq)
    row.created_ms = parse_iso8601(rows::text_field(row.fields, "created_at"))
                       .value_or(event.ts_ms);
  if (event.mark != dispatch_mark::none)
    row.dispatch = after({event.mark, std::string{event.mark_text}},
                         row.dispatch ? &*row.dispatch : nullptr);
  run.row_dirty = true;
  mark(run, event, nullptr);
  return {};
}

/// Lets the run's story go on, so that its next event is told as if the run had
/// never left the memory.
void state_fold::mark(run_work& run, const record_view& event,
                      step_work* step) {
  auto marks = read_marks(event.facts, document_);
  auto& tally = run.tally;
  if (marks.phase != 0) {
    tally.phases = marks.phase;
    run.tally_dirty = true;
  }
  if (marks.begins) {
    tally.begun = true;
    run.tally_dirty = true;
  }
  if (marks.first) {
    tally.ran = true;
    run.tally_dirty = true;
  }
  if (step == nullptr)
    return;
  if (marks.task != 0)
    step->row.open = marks.task > 0;
  if (marks.moved && rows::text_field(step->row.fields, "status") == "failed") {
    tally.failed_step = event.step;
    run.tally_dirty = true;
  }
}

result<void> state_fold::update_step(run_work& run, const record_view& event) {
  auto found = run.steps.find(event.step);
  if (found == run.steps.end()) {
    key_.assign(run.row_prefix)
      .push_back(static_cast<char>(keys::run_part::step));
    key_.append(event.step);
    auto stored = read(key_);
    if (!stored)
      return tl::unexpected{stored.error()};
    step_work work;
    if (*stored) {
      auto row = rows::decode_step(view(value_));
      if (!row)
        return tl::unexpected{row.error()};
      work.row = std::move(*row);
      work.large = rows::large_fields(work.row.fields);
    } else {
      work.row.place = run.tally.steps++;
      work.row.fields = rows::first_fields(event.ts_ms);
      run.tally_dirty = true;
    }
    found = run.steps.emplace(std::string{event.step}, std::move(work)).first;
  }
  if (auto merged = found->second.row.fields.merge(event.body); !merged)
    return merged;
  mark(run, event, &found->second);
  return {};
}

result<void> state_fold::add_timeline(run_work& run, const record_view& event) {
  ++run.tally.events;
  run.tally_dirty = true;
  if (event.timeline != timeline_kind::counter)
    return {};
  return add_counter(run, event.body);
}

result<void> state_fold::add_counter(run_work& run, std::string_view body) {
  if (auto parsed = document_.reset(body); !parsed)
    return parsed;
  auto name = document_.root().find("name");
  auto count = document_.root().find("count");
  if (!name || !name->is(json::kind::string) || !count)
    return {}; // nothing to count, only an entry of the timeline
  auto text = name->string();
  auto found = run.counters.find(text);
  if (found == run.counters.end()) {
    key_.assign(run.row_prefix)
      .push_back(static_cast<char>(keys::run_part::counter));
    key_.append(text);
    auto stored = read(key_);
    if (!stored)
      return tl::unexpected{stored.error()};
    found = run.counters.emplace(text, *stored ? value_.ToString() : "0").first;
  }
  add_to_sum(found->second, *count);
  return {};
}

result<void> state_fold::add_artifact(run_work& run, event_seq seq,
                                      const record_view& event) {
  if (auto parsed = document_.reset(event.body); !parsed)
    return parsed;
  auto id = document_.root().find("id");
  auto name
    = id && id->is(json::kind::string) ? id->string() : std::string{event.id};
  auto found = run.artifacts.find(name);
  if (found == run.artifacts.end()) {
    key_.assign(run.row_prefix)
      .push_back(static_cast<char>(keys::run_part::artifact));
    key_.append(name);
    auto stored = read(key_);
    if (!stored)
      return tl::unexpected{stored.error()};
    auto place = seq.value;
    if (*stored) {
      auto number = rows::decode_number(view(value_));
      if (!number)
        return tl::unexpected{number.error()};
      place = *number;
    } else {
      put(family::rows, key_, rows::encode_number(place));
      ++run.tally.artifacts;
      run.tally_dirty = true;
    }
    found = run.artifacts.emplace(std::move(name), place).first;
  }
  key_.assign(run.row_prefix)
    .push_back(static_cast<char>(keys::run_part::artifact_place));
  coding::put_big_endian(key_, found->second);
  put(family::rows, key_, event.body);
  mark(run, event, nullptr);
  return {};
}

} // namespace callboard
