#include "storage/coding.hpp"
#include "storage/state_fold.hpp"

#include <utility>

namespace callboard {

result<bool> state_fold::read(std::string_view key) {
  value_.Reset();
  auto status = db_.db().Get({}, db_.handle(family::rows), slice(key), &value_);
  if (status.ok())
    return true;
  if (status.IsNotFound())
    return false;
  return storage_problem(status, "reading the state store");
}

void state_fold::put(family f, std::string_view key, std::string_view value) {
  batch_.Put(db_.handle(f), slice(key), slice(value));
}

void state_fold::erase(family f, std::string_view key) {
  batch_.Delete(db_.handle(f), slice(key));
}

void state_fold::finish() {
  for (auto& [key, room] : rooms_)
    finish_room(*room);
}

void state_fold::finish_room(room_work& room) {
  if (room.dirty)
    put(family::rows, keys::room(shard_, room.ref()), rows::encode(room.row));
  for (auto& [id, run] : room.runs)
    finish_run(room, *run);
  auto prefix = keys::definitions(shard_, room.ref());
  for (auto& [id, definition] : room.definitions) {
    if (definition.fields)
      put(family::rows, prefix + id, rows::encode(*definition.fields));
    else
      erase(family::rows, prefix + id);
  }
}

void state_fold::finish_run(room_work& room, run_work& run) {
  auto key_of = [&](keys::run_part part, std::string_view rest) -> auto& {
    key_.assign(run.row_prefix).push_back(static_cast<char>(part));
    return key_.append(rest);
  };
  if (run.tally_dirty)
    put(family::rows, key_of(keys::run_part::tally, {}),
        rows::encode(run.tally));
  for (auto& [name, sum] : run.counters)
    put(family::rows, key_of(keys::run_part::counter, name), sum);
  for (auto& [id, step] : run.steps) {
    put_large(run, id, step.row.fields, step.large);
    put(family::rows, key_of(keys::run_part::step, id), rows::encode(step.row));
  }
  if (!run.row_dirty)
    return;
  finish_lists(room, run);
  put_large(run, {}, run.row->fields, run.large);
  put(family::rows, key_of(keys::run_part::header, {}), rows::encode(*run.row));
}

void state_fold::put_large(const run_work& run, std::string_view step,
                           field_map& fields,
                           const std::vector<std::string>& before) {
  auto prefix = run.row_prefix;
  prefix.push_back(static_cast<char>(keys::run_part::large));
  prefix.append(step).push_back('\0');
  std::vector<std::string> moved;
  for (auto& [key, raw] : fields.fields()) {
    if (raw.size() <= rows::max_inline_bytes)
      continue;
    put(family::rows, prefix + key, raw);
    moved.push_back(key);
  }
  for (auto& key : moved)
    fields.set(key, std::string{rows::large_marker});
  for (auto& key : before) {
    auto* raw = fields.find(key);
    if (raw == nullptr || *raw != rows::large_marker)
      erase(family::rows, prefix + key);
  }
}

void state_fold::finish_lists(room_work& room, run_work& run) {
  auto& row = *run.row;
  auto definition = rows::listed_definition(row.fields);
  auto by_definition = [&](std::string_view id) {
    return keys::listed(shard_, room.ref(), id, row.created_ms, run.id);
  };
  auto by_status = [&](run_status status) {
    return keys::listed(shard_, room.ref(), status, row.created_ms, run.id);
  };
  auto is_new = run.created_by.value != 0;
  if (is_new) {
    put(family::index, keys::listed(shard_, room.ref(), row.created_ms, run.id),
        {});
    put(family::index,
        keys::projects_of_run(shard_, room.tenant, run.id) + room.project, {});
  }
  auto moved = is_new || row.status != run.listed_status;
  if (moved) {
    // Each of these keys is written once before it is erased once, as
    // SingleDelete demands; it leaves no tombstone for lists to wade through.
    if (!is_new)
      batch_.SingleDelete(db_.handle(family::index),
                          slice(by_status(run.listed_status)));
    put(family::index, by_status(row.status), {});
  }
  auto renamed = definition != run.listed_definition;
  if (renamed && !run.listed_definition.empty())
    erase(family::index, by_definition(run.listed_definition));
  if ((moved || renamed) && !definition.empty()) {
    char status = static_cast<char>(row.status);
    put(family::index, by_definition(definition), {&status, 1});
  }
}

} // namespace callboard
