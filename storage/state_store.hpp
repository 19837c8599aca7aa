#pragma once

#include "actors/model/ids.hpp"
#include "actors/model/problem.hpp"
#include "actors/model/query.hpp"
#include "actors/model/run_machine.hpp"
#include "storage/state_transfer.hpp"
#include "storage/storage_options.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace callboard {

/// What a room's actor needs to start.
struct room_brief {
  event_seq head;   ///< 0: the room does not exist yet.
  event_seq oldest; ///< First event kept; 1 for a room without trims.
  std::uint64_t epoch = 0;
  /// Raw names of its first definitions (definition_names::max_names).
  std::vector<std::pair<definition_id, std::string>> definitions;
};

/// A run that waits for a worker.
struct queued_run {
  std::int64_t created_ms = 0;
  run_id run;

  friend auto operator<=>(const queued_run&, const queued_run&) = default;
};

/// The beginning of a queue, oldest first.
struct queue_page {
  std::vector<queued_run> runs;
  bool more = false; ///< Others wait behind these.
};

/// A run that a worker holds.
struct leased_run {
  room_key room;
  run_id run;
  dispatch_ptr lease; ///< Never null.
};

/// As in storage/raft/effects.hpp.
using stream_id = number<struct stream_id_tag>;

/// A state that another node sent, beside the store.
struct staged_state {
  shard_id shard;
  stream_id stream;

  friend bool operator==(const staged_state&, const staged_state&) = default;
};

/// What the log entries add up to, in one RocksDB (state/): events, runs,
/// steps, artifacts, definitions, duplicates, indexes and the applied index per
/// shard.
///
/// Shards are 0 .. shards-1, and directory_shard, whose entries are cluster
/// maps (map_entry) and whose only rows are the latest of them and the applied
/// index.
///
/// Durability: without a write-ahead log. After a crash it is a consistent
/// older state (atomic flush); the log is applied again from applied() on.
///
/// Determinism: apply() depends on the entry and on what is stored, on nothing
/// else; replicas that applied the same entries hold the same bytes.
///
/// Threads: apply(), install() and wipe() of a shard one at a time; everything
/// else from any thread. All calls may wait for the disk.
class state_store {
public:
  /// Opens or creates; errors as log_store::open. `shards` is fixed when the
  /// store is created; errc::conflict names both numbers when it differs.
  static result<std::unique_ptr<state_store>> open(const storage_options& opts,
                                                   std::uint32_t shards);
  ~state_store();

  /// Index of the last entry that is contained.
  result<log_index> applied(shard_id shard) const;

  /// Applies committed entries (payloads of entry_writer, in order; empty ones
  /// for barriers) with one write batch and notes `upto` as applied. Entries at
  /// or below applied() must not be given again.
  /// errc::unavailable: no space, nothing was applied, try again.
  result<void> apply(shard_id shard, log_index upto,
                     std::span<const std::string_view> payloads);

  /// Makes everything applied before this call durable. Blocks for the disk.
  result<void> flush();

  /// After "no space": lets RocksDB try again. Blocks.
  void resume();

  // --- replicas that move (docs/architecture.md, "How a shard drives")
  // --------

  /// The shard's state at this moment; applying goes on. What is pinned costs
  /// disk space while it is overwritten.
  result<std::unique_ptr<state_export>> pin(shard_id shard) const;

  /// Begins to take in a state that another node sends, in files beside the
  /// store. Drops every other staged state of the shard, one that is still
  /// coming in as well: its import then answers errc::conflict.
  result<std::unique_ptr<state_import>> stage(shard_id shard, stream_id stream);

  /// A state that was staged and finished takes the place of all rows of the
  /// shard; durable on return, applied() is the staged one. Until then the
  /// shard may be found empty; a view taken before sees the old rows to its
  /// end. May be done again, from the beginning, after an error or a crash
  /// anywhere in it, as long as the staged state was not dropped: drop it when
  /// log_store::batch::installed is durable. errc::not_found: no such staged
  /// state; errc::unavailable: no space, try again; errc::internal: the staged
  /// files or the store are damaged.
  result<void> install(shard_id shard, stream_id stream);

  /// Drops the staged states of a shard, also one that is still coming in.
  result<void> drop_staged(shard_id shard);

  /// At start: drops what an earlier life of the process left staged. `keep`
  /// are the states that log_store::unfinished_install names; open() itself
  /// drops nothing.
  result<void> drop_staged_except(std::span<const staged_state> keep);

  /// The replica is gone: drops all rows of the shard, its applied index and
  /// what is staged for it; durable on return. May be done again. Gives the
  /// space back, at once unless older views of the store (a pin) are in use:
  /// then when a later pin or wipe ends. Like install(), rewrites files that
  /// hold other shards, too, and so may take seconds.
  result<void> wipe(shard_id shard);

  // --- what actors need -----------------------------------------------------

  /// nullopt: no such run.
  result<std::optional<run_brief>>
  load_run(shard_id shard, const room_key& room, const run_id& run) const;
  result<room_brief> load_room(shard_id shard, const room_key& room) const;

  /// The number that the event `id` got. Ids are unique within a run, and for
  /// events outside runs (empty `run`) within their room.
  result<std::optional<event_seq>> find_event(shard_id shard,
                                              const room_key& room,
                                              const run_id& run,
                                              std::string_view id) const;

  /// The raw fields that `retry` copies (name, workflow_definition_id,
  /// workflow_name, input) as a JSON object.
  result<std::string> retry_fields(shard_id shard, const room_key& room,
                                   const run_id& run) const;

  result<queue_page> queued_runs(shard_id shard, const room_key& room,
                                 std::string_view queue,
                                 std::size_t limit) const;
  result<std::vector<leased_run>> leased_runs(shard_id shard) const;

  result<history_chunk> history(shard_id shard,
                                const history_request& request) const;

  // --- what clients ask
  // -------------------------------------------------------

  /// The JSON document that answers `q`, from one snapshot. `shard_of` places a
  /// room on its shard.
  using placement = std::function<shard_id(const room_key&)>;
  result<std::string> answer(const query::any& q,
                             const placement& shard_of) const;

  /// The latest cluster map that was applied to directory_shard, encoded;
  /// empty: none.
  result<std::string> cluster_map_bytes() const;

  // --- operations
  // ---------------------------------------------------------------

  /// Sizes for GET /v1/admin/storage, as members of a JSON object (keys, bytes,
  /// files, pending compaction); numbers only, nothing of any tenant.
  std::string statistics() const;

  /// Rooms of one tenant with head and oldest, for /v1/admin/storage: JSON
  /// array.
  result<std::string> room_statistics(const tenant_id& tenant) const;

  std::uint64_t disk_bytes() const;

  /// Over all keys and values of a shard: equal on replicas that applied the
  /// same entries.
  result<std::uint64_t> digest(shard_id shard) const;

private:
  struct impl;
  explicit state_store(std::unique_ptr<impl> x);
  std::unique_ptr<impl> impl_;
};

} // namespace callboard
