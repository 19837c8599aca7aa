#pragma once

#include "actors/model/json.hpp"
#include "storage/entry.hpp"
#include "storage/state_db.hpp"
#include "storage/state_keys.hpp"
#include "storage/state_rows.hpp"

#include <rocksdb/write_batch.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace callboard {

/// Where a run's event is indexed.
keys::event_class class_of(const record_view& event) noexcept;

/// Computes what committed entries change in the store: one batch of writes.
///
/// Rows are read once, when the first event touches them, and written once, by
/// finish(), however many events touch them in between; so the result is the
/// same however entries are grouped. Depends on the entries and on what is
/// stored, on nothing else.
/// Use: add() each payload, then finish(), then write the batch and forget this
/// object. After an error it must be dropped: nothing was written.
/// Threads: one.
class state_fold {
public:
  state_fold(const state_db& db, shard_id shard, rocksdb::WriteBatch& batch);

  /// `payload` must live until finish().
  result<void> add(std::string_view payload);

  /// Puts the rows that changed into the batch.
  void finish();

private:
  struct name_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view x) const noexcept {
      return std::hash<std::string_view>{}(x);
    }
  };

  /// Found by string_view, so that a look-up needs no copy of the name.
  template <class T>
  using by_name
    = std::unordered_map<std::string, T, name_hash, std::equal_to<>>;

  struct step_work {
    rows::step row;
    std::vector<std::string> large; ///< Fields stored apart before this batch.
  };

  struct definition_work {
    std::optional<field_map> fields; ///< nullopt: there is no such definition.
  };

  /// What the batch does to one run.
  struct run_work {
    std::string id;
    std::string row_prefix;   ///< keys::run_rows
    std::string id_prefix;    ///< keys::of_run event_id
    std::string event_prefix; ///< keys::of_run run_events
    event_seq created_by;     ///< The event that did, if it is in this batch.
    rows::tally tally;
    bool tally_dirty = false;
    std::optional<rows::run> row; ///< Read only when a field changes.
    bool row_dirty = false;
    std::vector<std::string> large;
    run_status listed_status = run_status::pending; ///< As the indexes say.
    std::string listed_definition;
    std::string listed_queue; ///< Its key in the index; empty: none.
    std::string listed_lease; ///< Likewise.
    by_name<step_work> steps;
    by_name<std::string> counters;    ///< Sums, as JSON numbers.
    by_name<std::uint64_t> artifacts; ///< Places of those that were touched.
    event_seq last;                   ///< Of its events in this batch.
    std::size_t place = 0;            ///< Among the room's runs in this batch.
  };

  /// An event of this batch.
  struct fresh_event {
    event_seq seq;
    run_work* run; ///< Null: outside runs.
    std::string_view id;
    keys::event_class kind;
    std::string_view record;
  };

  struct room_work {
    std::string tenant;
    std::string project;
    std::string event_prefix; ///< keys::events
    std::string id_prefix;    ///< keys::of_run event_id without a run
    rows::room row;
    bool dirty = false;
    by_name<std::unique_ptr<run_work>> runs;
    by_name<definition_work> definitions;
    std::vector<fresh_event> fresh; ///< In their order.
    std::size_t written = 0; ///< How many of them are in the batch already.
    run_work* last_run = nullptr; ///< The one found last: most often it again.

    keys::room_ref ref() const noexcept {
      return {tenant, project};
    }
  };

  // state_fold.cpp: from entries to events
  result<void> add_item(const entry_item& item);
  result<void> put_map(std::string_view map_bytes);
  result<room_work*> find_room(const entry_item& item);
  result<void> add_event(room_work& room, const entry_item& item);
  result<void> number(room_work& room, const entry_item& item,
                      const record_view& event);
  void note_event(room_work& room, run_work* run, const entry_item& item,
                  const record_view& event);
  result<run_work*> find_run(room_work& room, std::string_view id);
  result<run_work*> find_or_create_run(room_work& room, const entry_item& item,
                                       const record_view& event);
  result<void> update_definition(room_work& room, const record_view& event);

  // state_fold_run.cpp: what an event does to its run
  result<void> add_to_run(room_work& room, run_work& run,
                          const entry_item& item, const record_view& event);
  result<void> load_header(room_work& room, run_work& run);
  result<void> update_run(room_work& room, run_work& run, event_seq seq,
                          const record_view& event);
  result<void> update_step(run_work& run, const record_view& event);
  void mark(run_work& run, const record_view& event, step_work* step);
  result<void> add_timeline(run_work& run, const record_view& event);
  result<void> add_counter(run_work& run, std::string_view body);
  result<void> add_artifact(run_work& run, event_seq seq,
                            const record_view& event);

  // state_fold_rows.cpp: reading and writing rows
  result<bool> read(std::string_view key);
  void put(family f, std::string_view key, std::string_view value);
  void erase(family f, std::string_view key);
  void put_large(const run_work& run, std::string_view step, field_map& fields,
                 const std::vector<std::string>& before);
  void put_events(room_work& room);
  void finish_room(room_work& room);
  void finish_run(room_work& room, run_work& run);
  void finish_lists(room_work& room, run_work& run);
  std::string queue_key(const room_work& room, const run_work& run) const;
  std::string lease_key(const room_work& room, const run_work& run) const;

  // state_fold_trim.cpp: retention
  result<void> trim(room_work& room, event_seq upto);
  result<void> trim_stored(room_work& room, const state_view& stored,
                           event_seq upto, std::vector<run_work*>& touched);
  void trim_fresh(room_work& room, event_seq upto,
                  std::vector<run_work*>& touched);
  void forget_event(room_work& room, run_work* run, keys::event_class kind,
                    event_seq seq, std::string_view id);
  result<void> forget_ids(room_work& room, const state_view& stored,
                          run_work& run, event_seq upto);

  const state_db& db_;
  shard_id shard_;
  rocksdb::WriteBatch& batch_;
  std::unordered_map<std::string, std::unique_ptr<room_work>> rooms_;
  room_work* last_room_ = nullptr;
  rocksdb::PinnableSlice value_; // of the latest read()
  std::string key_;              // scratch
  std::string number_;           // scratch
  json::document document_;      // scratch
};

} // namespace callboard
