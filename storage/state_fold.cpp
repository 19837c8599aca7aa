#include "storage/state_fold.hpp"

#include "actors/model/cluster_map.hpp"
#include "storage/coding.hpp"

#include <utility>

namespace callboard {

namespace {

tl::unexpected<problem> bad_entry(const entry_item& item,
                                  std::string_view why) {
  return fail(errc::internal, "log entry: event "
                                + std::to_string(item.seq.value) + " of room \""
                                + std::string{item.project} + "\" "
                                + std::string{why});
}

bool belongs_to_run(event_type type) noexcept {
  switch (type) {
  case event_type::run_updated:
  case event_type::step_updated:
  case event_type::timeline_created:
  case event_type::artifact_created:
    return true;
  case event_type::step_stream:
  case event_type::definition_updated:
  case event_type::custom:
    return false;
  }
  return false;
}

} // namespace

keys::event_class class_of(const record_view& event) noexcept {
  if (event.type != event_type::timeline_created)
    return keys::event_class::state;
  return event.timeline == timeline_kind::log ? keys::event_class::log
                                              : keys::event_class::timeline;
}

state_fold::state_fold(const state_db& db, shard_id shard,
                       rocksdb::WriteBatch& batch)
    : db_{db}, shard_{shard}, batch_{batch} {
  // nop
}

result<void> state_fold::add(std::string_view payload) {
  entry_reader in{payload};
  entry_item item;
  while (in.next(item))
    if (auto done = add_item(item); !done)
      return done;
  if (!in.ok())
    return fail(errc::internal,
                "a log entry is malformed; the log is damaged or "
                "of a newer program");
  return {};
}

result<void> state_fold::add_item(const entry_item& item) {
  if (item.op == entry_item::what::map)
    return put_map(item.record);
  if (shard_ == directory_shard)
    return fail(errc::internal, "log entry: an event in the directory's group");
  auto room = find_room(item);
  if (!room)
    return tl::unexpected{room.error()};
  return item.op == entry_item::what::trim ? trim(**room, item.seq)
                                           : add_event(**room, item);
}

result<void> state_fold::put_map(std::string_view map_bytes) {
  if (shard_ != directory_shard)
    return fail(errc::internal, "log entry: a cluster map in shard "
                                  + std::to_string(shard_.value));
  put(family::rows, keys::cluster_map(shard_), map_bytes);
  return {};
}

result<state_fold::room_work*> state_fold::find_room(const entry_item& item) {
  if (last_room_ != nullptr && last_room_->project == item.project
      && last_room_->tenant == item.tenant)
    return last_room_;
  keys::room_ref ref{item.tenant, item.project};
  auto row_key = keys::room(shard_, ref);
  auto& slot = rooms_[row_key];
  if (!slot) {
    auto found = read(row_key);
    if (!found)
      return tl::unexpected{found.error()};
    rows::room row;
    if (*found) {
      auto decoded = rows::decode_room(view(value_));
      if (!decoded)
        return tl::unexpected{decoded.error()};
      row = *decoded;
    }
    slot = std::make_unique<room_work>();
    slot->tenant = item.tenant;
    slot->project = item.project;
    slot->event_prefix = keys::events(shard_, ref);
    slot->id_prefix = keys::of_run(shard_, keys::index::event_id, ref, {});
    slot->row = row;
  }
  last_room_ = slot.get();
  return last_room_;
}

result<void> state_fold::number(room_work& room, const entry_item& item,
                                const record_view& event) {
  if (item.seq != next(room.row.head))
    return bad_entry(item,
                     "does not follow " + std::to_string(room.row.head.value));
  if (room.row.head.value == 0) {
    room.row.epoch = item.epoch;
    room.row.created_ms = event.ts_ms;
  }
  room.row.head = item.seq;
  room.dirty = true;
  return {};
}

result<void> state_fold::add_event(room_work& room, const entry_item& item) {
  auto event = decode_record(item.record);
  if (!event)
    return tl::unexpected{event.error()};
  if (auto numbered = number(room, item, *event); !numbered)
    return numbered;
  if (belongs_to_run(event->type)) {
    if (event->run.empty())
      return bad_entry(item, "names no run");
    auto run = find_or_create_run(room, item, *event);
    if (!run)
      return tl::unexpected{run.error()};
    note_event(room, *run, item, *event);
    return add_to_run(room, **run, item, *event);
  }
  note_event(room, nullptr, item, *event);
  if (event->type != event_type::definition_updated)
    return {};
  if (event->definition.empty())
    return bad_entry(item, "names no definition");
  return update_definition(room, *event);
}

void state_fold::note_event(room_work& room, run_work* run,
                            const entry_item& item, const record_view& event) {
  if (run != nullptr)
    run->last = item.seq;
  room.fresh.push_back({item.seq, run, event.id, class_of(event), item.record});
}

result<state_fold::run_work*> state_fold::find_run(room_work& room,
                                                   std::string_view id) {
  if (room.last_run != nullptr && room.last_run->id == id)
    return room.last_run;
  if (auto known = room.runs.find(id); known != room.runs.end())
    return room.last_run = known->second.get();
  auto prefix = keys::run_rows(shard_, room.ref(), id);
  // Every run has a tally, and a log event needs nothing else of its run.
  key_.assign(prefix).push_back(static_cast<char>(keys::run_part::tally));
  auto found = read(key_);
  if (!found)
    return tl::unexpected{found.error()};
  if (!*found)
    return nullptr;
  auto tally = rows::decode_tally(view(value_));
  if (!tally)
    return tl::unexpected{tally.error()};
  auto run = std::make_unique<run_work>();
  run->id = id;
  run->row_prefix = std::move(prefix);
  run->id_prefix = keys::of_run(shard_, keys::index::event_id, room.ref(), id);
  run->event_prefix
    = keys::of_run(shard_, keys::index::run_events, room.ref(), id);
  run->tally = *tally;
  run->place = room.runs.size();
  return room.last_run = room.runs.emplace(std::string{id}, std::move(run))
                           .first->second.get();
}

result<state_fold::run_work*>
state_fold::find_or_create_run(room_work& room, const entry_item& item,
                               const record_view& event) {
  auto found = find_run(room, event.run);
  if (!found || *found != nullptr)
    return found;
  auto run = std::make_unique<run_work>();
  run->id = event.run;
  run->row_prefix = keys::run_rows(shard_, room.ref(), event.run);
  run->id_prefix
    = keys::of_run(shard_, keys::index::event_id, room.ref(), event.run);
  run->event_prefix
    = keys::of_run(shard_, keys::index::run_events, room.ref(), event.run);
  run->created_by = item.seq;
  run->place = room.runs.size();
  run->tally_dirty = true;
  run->row.emplace();
  run->row->created_ms = event.ts_ms;
  run->row->fields = rows::first_fields(event.ts_ms);
  run->row_dirty = true;
  return room.last_run
         = room.runs.emplace(run->id, std::move(run)).first->second.get();
}

result<void> state_fold::update_definition(room_work& room,
                                           const record_view& event) {
  auto found = room.definitions.find(event.definition);
  if (found == room.definitions.end()) {
    key_ = keys::definitions(shard_, room.ref());
    key_.append(event.definition);
    auto stored = read(key_);
    if (!stored)
      return tl::unexpected{stored.error()};
    definition_work work;
    if (*stored) {
      auto fields = rows::decode_fields(view(value_));
      if (!fields)
        return tl::unexpected{fields.error()};
      work.fields = std::move(*fields);
    }
    found
      = room.definitions.emplace(std::string{event.definition}, std::move(work))
          .first;
  }
  auto& fields = found->second.fields;
  if (auto parsed = document_.reset(event.body); !parsed)
    return parsed;
  auto deleted = document_.root().find("deleted");
  if (deleted && deleted->boolean() == true) {
    fields.reset();
    return {};
  }
  if (!fields)
    fields.emplace();
  auto merged = fields->merge(event.body);
  fields->erase("deleted"); // an order, not a field
  return merged;
}

} // namespace callboard
