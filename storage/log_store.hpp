#pragma once

#include "actors/model/ids.hpp"
#include "actors/model/problem.hpp"
#include "storage/raft/consensus.hpp"
#include "storage/storage_options.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace callboard {

/// What a write to the log came to.
enum class write_outcome : std::uint8_t {
  durable,  ///< On the disk.
  no_space, ///< Not known to be there; write the same batch again later.
  failed,   ///< The disk is broken: the process must end.
};

/// What a log knows of a shard.
enum class log_presence : std::uint8_t {
  /// Nothing was ever appended or installed; perhaps the replica voted. If the
  /// node is one of the group's first members, it may found the group.
  never,
  /// There was a replica here, and batch::wipe() was the last word on it. It
  /// must not found the group again, and waits to be added. Whether the wiping
  /// got as far as the state store is not known: state_store::wipe() again.
  wiped,
  /// Entries, or what stands for them: load() and start the replica.
  holds,
};

/// Raft entries, votes and terms of all shards of a node, in one RocksDB
/// (log/).
///
/// Durability: write() returns `durable` after the write-ahead log is synced.
/// After `no_space` the same batch may be written again (all operations are
/// idempotent), and nothing else may be written before it.
///
/// Threads: write() from one thread (the log writer); load() before the first
/// write(); everything else from any thread.
class log_store {
public:
  /// Operations of several shards that become durable together.
  class batch {
  public:
    batch();
    ~batch();
    batch(batch&&) noexcept;
    batch& operator=(batch&&) noexcept;

    void put_hard_state(shard_id shard, const hard_state& x);
    /// Drops `from` .. `last` (inclusive).
    void erase(shard_id shard, log_index from, log_index last);
    void append(shard_id shard, const log_entry& entry);
    /// Empties the shard's log, for which `state` stands from now on, and notes
    /// that its stream still has to be swapped in (unfinished_install()).
    void install(shard_id shard, const state_descriptor& state);
    /// The state of the last install() is the shard's durable state.
    void installed(shard_id shard);
    /// The replica is gone: forgets everything of the shard but its term and
    /// vote and where its log ended (consensus::log_end()), which must outlive
    /// it, as the node may be asked for its vote, or join again under its
    /// number. Durable before state_store::wipe() begins; see presence().
    void wipe(shard_id shard, const log_position& end_of_log);
    void clear();
    bool empty() const noexcept;
    std::size_t bytes() const noexcept;

  private:
    friend class log_store;
    struct impl;
    std::unique_ptr<impl> impl_;
  };

  /// Opens or creates. errc::unavailable when another process has it open,
  /// errc::conflict when its format is newer than this program,
  /// errc::internal on other failures; each detail names path and remedy.
  static result<std::unique_ptr<log_store>> open(const storage_options& opts);

  ~log_store();

  /// Everything kept of a shard. Fills entries, hard state; and snapshot_term,
  /// configuration(_index) as of `applied` (from entries, or from what trim()
  /// kept). errc::internal when entries are missing behind `applied`.
  result<restored_log> load(shard_id shard, log_index applied);

  /// The stream whose staged state has yet to become the shard's state, because
  /// the process ended between install() and installed(): to be swapped in and
  /// reported installed() before load(). 0: none.
  result<stream_id> unfinished_install(shard_id shard) const;

  /// At start, asked after unfinished installs: `wiped` means that the state is
  /// to be wiped (again) before load(), which then finds an empty log with its
  /// hard state and where the dropped one ended.
  result<log_presence> presence(shard_id shard) const;

  write_outcome write(batch& b, std::string& error);

  /// Forgets entries up to and including `upto`, having kept the term and the
  /// configuration there. Not synced; may be lost and repeated. Does nothing if
  /// there is no entry `upto` (any more).
  result<void> trim(shard_id shard, log_index upto, raft_term term_at_upto,
                    log_index configuration_index,
                    std::string_view configuration);

  /// After no_space: lets RocksDB try again. Blocks.
  void resume();

  std::uint64_t disk_bytes() const;

private:
  struct impl;
  explicit log_store(std::unique_ptr<impl> x);
  std::unique_ptr<impl> impl_;
};

} // namespace callboard
