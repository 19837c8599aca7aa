#include "storage/state_reads.hpp"

#include "actors/model/definition_names.hpp"
#include "actors/model/json.hpp"

namespace callboard::reads {

result<std::optional<rows::room>> room(const state_view& at, shard_id shard,
                                       keys::room_ref room) {
  rocksdb::PinnableSlice value;
  auto found = at.get(family::rows, keys::room(shard, room), value);
  if (!found)
    return tl::unexpected{found.error()};
  if (!*found)
    return std::nullopt;
  return rows::decode_room(view(value));
}

result<std::optional<rows::run>> run_header(const state_view& at,
                                            shard_id shard, keys::room_ref room,
                                            std::string_view run) {
  rocksdb::PinnableSlice value;
  auto key = keys::run_rows(shard, room, run, keys::run_part::header);
  auto found = at.get(family::rows, key, value);
  if (!found)
    return tl::unexpected{found.error()};
  if (!*found)
    return std::nullopt;
  return rows::decode_run(view(value));
}

result<std::string> field(const state_view& at, shard_id shard,
                          keys::room_ref room, std::string_view run,
                          std::string_view step, const field_map& fields,
                          std::string_view key) {
  auto* raw = rows::set_field(fields, key);
  if (raw == nullptr)
    return std::string{};
  if (*raw != rows::large_marker)
    return *raw;
  auto large = keys::run_rows(shard, room, run, keys::run_part::large);
  large.append(step).push_back('\0');
  large.append(key);
  rocksdb::PinnableSlice value;
  auto found = at.get(family::rows, large, value);
  if (!found)
    return tl::unexpected{found.error()};
  if (!*found)
    return fail(errc::internal, "the value of \"" + std::string{key}
                                  + "\" of run \"" + std::string{run}
                                  + "\" is missing; the store is damaged");
  return value.ToString();
}

namespace {

/// Reads what a run's actor needs of the run's rows.
class run_reader {
public:
  run_reader(const state_view& at, shard_id shard, keys::room_ref room,
             std::string_view run)
      : at_{at}, shard_{shard}, room_{room}, run_{run} {
    // nop
  }

  /// Copies the fields that `told` names. `step` is empty for the run's own.
  result<void> keep(field_map& out, std::string_view step,
                    const field_map& fields,
                    bool (*told)(std::string_view) noexcept) const {
    for (auto& [key, raw] : fields.fields()) {
      if (raw.empty() || !told(key))
        continue;
      auto value = field(at_, shard_, room_, run_, step, fields, key);
      if (!value)
        return tl::unexpected{value.error()};
      out.set(key, std::move(*value));
    }
    return {};
  }

  result<void> tally(run_brief& out) const {
    rocksdb::PinnableSlice value;
    auto key = keys::run_rows(shard_, room_, run_, keys::run_part::tally);
    auto found = at_.get(family::rows, key, value);
    if (!found)
      return tl::unexpected{found.error()};
    if (!*found)
      return {};
    auto row = rows::decode_tally(view(value));
    if (!row)
      return tl::unexpected{row.error()};
    out.story.phases = row->phases;
    // What an older program stored does not say it.
    auto moved_on = out.status != run_status::pending;
    out.story.begun = row->begun || moved_on;
    out.story.ran = row->ran || moved_on;
    out.story.failed_step.value = std::move(row->failed_step);
    return {};
  }

  result<void> steps(run_brief& out) const {
    key_scan scan{at_, family::rows,
                  keys::run_rows(shard_, room_, run_, keys::run_part::step)};
    for (scan.seek_first(); scan.valid(); scan.next()) {
      auto row = rows::decode_step(scan.value());
      if (!row)
        return tl::unexpected{row.error()};
      auto id = scan.suffix();
      if (auto done = step(out.steps[{std::string{id}}], id, *row); !done)
        return done;
    }
    return scan.check();
  }

private:
  result<void> step(step_brief& out, std::string_view id,
                    const rows::step& row) const {
    if (auto status = parse_step_status(rows::text_field(row.fields, "status")))
      out.status = *status;
    out.has_started_at = rows::set_field(row.fields, "started_at") != nullptr;
    out.has_completed_at
      = rows::set_field(row.fields, "completed_at") != nullptr;
    out.story.open = row.open;
    if (!may_go_on(out.status))
      return keep(out.story.fields, id, row.fields, is_told_of_ended_step);
    if (auto done = keep(out.story.fields, id, row.fields, is_told_of_step);
        !done)
      return done;
    auto asked
      = field(at_, shard_, room_, run_, id, row.fields, "input_request");
    if (!asked)
      return tl::unexpected{asked.error()};
    out.input_request = std::move(*asked);
    return {};
  }

  const state_view& at_;
  shard_id shard_;
  keys::room_ref room_;
  std::string_view run_;
};

} // namespace

result<std::optional<run_brief>> brief(const state_view& at, shard_id shard,
                                       keys::room_ref room,
                                       std::string_view run) {
  auto header = run_header(at, shard, room, run);
  if (!header)
    return tl::unexpected{header.error()};
  if (!*header)
    return std::nullopt;
  auto& fields = (*header)->fields;
  run_brief out;
  out.status = (*header)->status;
  out.has_started_at = rows::set_field(fields, "started_at") != nullptr;
  out.has_completed_at = rows::set_field(fields, "completed_at") != nullptr;
  if (auto& x = (*header)->dispatch)
    out.dispatch = std::make_shared<const dispatch_state>(std::move(*x));
  run_reader from{at, shard, room, run};
  if (!is_ended(out.status))
    if (auto done = from.keep(out.story.fields, {}, fields, is_told_of_run);
        !done)
      return tl::unexpected{done.error()};
  if (auto done = from.tally(out); !done)
    return tl::unexpected{done.error()};
  if (auto done = from.steps(out); !done)
    return tl::unexpected{done.error()};
  return out;
}

result<std::vector<std::pair<definition_id, std::string>>>
definition_names(const state_view& at, shard_id shard, keys::room_ref room) {
  std::vector<std::pair<definition_id, std::string>> out;
  key_scan scan{at, family::rows, keys::definitions(shard, room)};
  for (scan.seek_first();
       scan.valid() && out.size() < callboard::definition_names::max_names;
       scan.next()) {
    auto fields = rows::decode_fields(scan.value());
    if (!fields)
      return tl::unexpected{fields.error()};
    if (auto* name = rows::set_field(*fields, "name"))
      out.emplace_back(definition_id{std::string{scan.suffix()}}, *name);
  }
  if (auto done = scan.check(); !done)
    return tl::unexpected{done.error()};
  return out;
}

result<std::optional<event_seq>> find_event(const state_view& at,
                                            shard_id shard, keys::room_ref room,
                                            std::string_view run,
                                            std::string_view id) {
  auto key = keys::of_run(shard, keys::index::event_id, room, run);
  key.append(id);
  rocksdb::PinnableSlice value;
  auto found = at.get(family::index, key, value);
  if (!found)
    return tl::unexpected{found.error()};
  if (!*found)
    return std::nullopt;
  auto seq = rows::decode_number(view(value));
  if (!seq)
    return tl::unexpected{seq.error()};
  return event_seq{*seq};
}

result<std::string> retry_fields(const state_view& at, shard_id shard,
                                 keys::room_ref room, std::string_view run) {
  auto header = run_header(at, shard, room, run);
  if (!header)
    return tl::unexpected{header.error()};
  if (!*header)
    return fail(errc::not_found, "no run \"" + std::string{run} + "\"");
  std::string out = "{";
  for (std::string_view key :
       {"name", "workflow_definition_id", "workflow_name", "input"}) {
    auto raw = field(at, shard, room, run, {}, (*header)->fields, key);
    if (!raw)
      return raw;
    if (raw->empty())
      continue;
    if (out.size() > 1)
      out.push_back(',');
    json::append_quoted(out, key);
    out.append(":").append(*raw);
  }
  out.push_back('}');
  return out;
}

} // namespace callboard::reads
