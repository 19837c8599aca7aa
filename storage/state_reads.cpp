#include "storage/state_reads.hpp"

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
  key_scan scan{at, family::rows,
                keys::run_rows(shard, room, run, keys::run_part::step)};
  for (scan.seek_first(); scan.valid(); scan.next()) {
    auto row = rows::decode_step(scan.value());
    if (!row)
      return tl::unexpected{row.error()};
    auto& step = out.steps[{std::string{scan.suffix()}}];
    if (auto status
        = parse_step_status(rows::text_field(row->fields, "status")))
      step.status = *status;
    step.has_started_at = rows::set_field(row->fields, "started_at") != nullptr;
    step.has_completed_at
      = rows::set_field(row->fields, "completed_at") != nullptr;
    if (is_ended(step.status) && step.status != step_status::failed)
      continue; // never waits again
    auto asked = field(at, shard, room, run, scan.suffix(), row->fields,
                       "input_request");
    if (!asked)
      return tl::unexpected{asked.error()};
    step.input_request = std::move(*asked);
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
