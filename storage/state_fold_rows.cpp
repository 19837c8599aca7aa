#include "storage/coding.hpp"
#include "storage/state_fold.hpp"

#include <algorithm>
#include <span>
#include <unordered_set>
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

/// Writes what is noted, run by run: keys that follow each other are inserted
/// several times faster than keys from here and there.
void state_fold::put_events(room_work& room) {
  std::span<const fresh_event> fresh{room.fresh};
  fresh = fresh.subspan(std::exchange(room.written, room.fresh.size()));
  for (auto& event : fresh) {
    key_.assign(room.event_prefix);
    coding::put_big_endian(key_, event.seq.value);
    put(family::events, key_, event.record);
  }
  std::vector<const fresh_event*> by_run;
  by_run.reserve(fresh.size());
  for (auto& event : fresh)
    by_run.push_back(&event);
  std::ranges::stable_sort(by_run, {}, [](const fresh_event* x) {
    return x->run == nullptr ? 0 : x->run->place + 1;
  });
  for (auto* event : by_run) {
    key_.assign(event->run != nullptr ? event->run->id_prefix : room.id_prefix)
      .append(event->id);
    number_.clear();
    coding::put_varint(number_, event->seq.value);
    put(family::index, key_, number_);
  }
  for (auto* event : by_run) {
    if (event->run == nullptr)
      continue;
    key_.assign(event->run->event_prefix)
      .push_back(static_cast<char>(event->kind));
    coding::put_big_endian(key_, event->seq.value);
    put(family::index, key_, {});
  }
}

void state_fold::finish_room(room_work& room) {
  put_events(room);
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
  std::unordered_set<std::string_view> kept;
  for (auto& [key, raw] : fields.fields()) {
    if (raw == rows::large_marker && !before.empty())
      kept.insert(key);
    if (raw.size() <= rows::max_inline_bytes)
      continue;
    moved.push_back(key);
  }
  for (auto& key : before)
    if (!kept.contains(key))
      erase(family::rows, prefix + key);
  for (auto& key : moved) {
    put(family::rows, prefix + key, *fields.find(key));
    fields.set(key, std::string{rows::large_marker});
  }
}

/// Keys of the lists that tell a run's status or definition are written once
/// before they are erased once, as SingleDelete demands: key and tombstone then
/// vanish together, and lists need not wade through what has moved on.
void state_fold::finish_lists(room_work& room, run_work& run) {
  auto& row = *run.row;
  auto is_new = run.created_by.value != 0;
  if (is_new) {
    put(family::index, keys::listed(shard_, room.ref(), row.created_ms, run.id),
        {});
    put(family::index,
        keys::projects_of_run(shard_, room.tenant, run.id) + room.project, {});
  }
  auto move = [&](const std::string& from, const std::string& to) {
    if (from == to)
      return;
    if (!from.empty())
      batch_.SingleDelete(db_.handle(family::index), slice(from));
    if (!to.empty())
      put(family::index, to, {});
  };
  auto by_status = [&](run_status status) {
    return keys::listed(shard_, room.ref(), status, row.created_ms, run.id);
  };
  auto by_definition = [&](const std::string& id, run_status status) {
    return id.empty() ? std::string{}
                      : keys::listed(shard_, room.ref(), id, status,
                                     row.created_ms, run.id);
  };
  move(is_new ? std::string{} : by_status(run.listed_status),
       by_status(row.status));
  move(is_new ? std::string{}
              : by_definition(run.listed_definition, run.listed_status),
       by_definition(rows::listed_definition(row.fields), row.status));
  move(run.listed_queue, queue_key(room, run));
  move(run.listed_lease, lease_key(room, run));
}

std::string state_fold::queue_key(const room_work& room,
                                  const run_work& run) const {
  auto& row = *run.row;
  return rows::is_queued(row) ? keys::queued(
           shard_, room.ref(), row.dispatch->queue, row.created_ms, run.id)
                              : std::string{};
}

std::string state_fold::lease_key(const room_work& room,
                                  const run_work& run) const {
  return rows::is_leased(*run.row) ? keys::leased(shard_, room.ref(), run.id)
                                   : std::string{};
}

} // namespace callboard
