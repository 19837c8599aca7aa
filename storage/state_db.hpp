#pragma once

#include "actors/model/ids.hpp"
#include "actors/model/problem.hpp"
#include "storage/flush_watch.hpp"
#include "storage/storage_options.hpp"

#include <rocksdb/db.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace callboard {

/// Column families of the state store, in the order of their handles. `meta` is
/// RocksDB's default one: format version and number of shards.
enum class family : std::uint8_t { meta, events, rows, index };

/// As RocksDB knows it.
std::string_view name_of(family f) noexcept;

/// See state_db::reclaim().
enum class reclaim_effort : std::uint8_t {
  light,    ///< Drops files that hold nothing else.
  thorough, ///< Then rewrites the others.
};

inline rocksdb::Slice slice(std::string_view x) noexcept {
  return {x.data(), x.size()};
}

inline std::string_view view(const rocksdb::Slice& x) noexcept {
  return {x.data(), x.size()};
}

/// What a failed call of RocksDB means to the caller. No space and other
/// trouble of the disk: errc::unavailable; else errc::internal.
tl::unexpected<problem> storage_problem(const rocksdb::Status& status,
                                        std::string_view doing);

/// Having recovered from an error, RocksDB 7.8 says "OK" before it has flushed,
/// and may leave the flush undone until the next: it is asked again after this
/// time.
inline constexpr std::chrono::milliseconds flush_patience{1000};

/// The open database state/: options, column families, format check.
/// Threads: all calls from any thread.
class state_db {
public:
  /// See state_store::open().
  static result<std::unique_ptr<state_db>> open(const storage_options& opts,
                                                std::uint32_t shards);
  ~state_db();

  rocksdb::DB& db() const noexcept {
    return *db_;
  }
  rocksdb::ColumnFamilyHandle* handle(family f) const noexcept {
    return handles_[static_cast<std::size_t>(f)];
  }
  const std::vector<rocksdb::ColumnFamilyHandle*>& all() const noexcept {
    return handles_;
  }
  std::uint32_t shards() const noexcept {
    return shards_;
  }

  /// Returns when everything written before is in files that are synced.
  result<void> flush() const;

  /// Makes files of sorted rows, which are moved, part of the store, all at
  /// once and durably. Their keys must not be in it. False, and nothing done:
  /// RocksDB cannot do it any more in this life of the process (see
  /// can_ingest()).
  result<bool>
  ingest(std::span<const rocksdb::IngestExternalFileArg> files) const;

  /// After "no space": lets RocksDB try again. Blocks.
  void resume() const;

  /// The rows of a shard were deleted (durably): gives their space back.
  /// Nothing may be written to the shard meanwhile. As long as views from
  /// before are in use it is only noted, to be done with a later call or
  /// reclaim_owed().
  result<void> reclaim(shard_id shard, reclaim_effort effort) const;
  /// What reclaim() had to put off, if it can be done now.
  void reclaim_owed() const;

private:
  state_db() = default;
  result<void> check_format(const std::string& path);

  bool can_ingest() const;
  result<void> write_behind_ingestion() const;
  bool has_view_before(rocksdb::SequenceNumber seq) const;
  result<void> compact(shard_id shard) const;

  std::shared_ptr<flush_watch> watch_ = std::make_shared<flush_watch>();
  mutable std::mutex ingest_mutex_;
  /// The latest sequence number is an ingestion's, of which no flush will tell.
  mutable bool ingested_ = false;
  mutable std::mutex owed_mutex_;
  /// Shards to be compacted, once no view from before that number is left.
  mutable std::map<shard_id, rocksdb::SequenceNumber> owed_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
  std::uint32_t shards_ = 0;
};

/// One consistent view of the database: all reads see the same moment.
class state_view {
public:
  explicit state_view(const state_db& db);
  ~state_view();
  state_view(const state_view&) = delete;
  state_view& operator=(const state_view&) = delete;

  const state_db& db() const noexcept {
    return db_;
  }
  const rocksdb::ReadOptions& options() const noexcept {
    return options_;
  }

  /// False: there is no such key.
  result<bool> get(family f, std::string_view key,
                   rocksdb::PinnableSlice& value) const;

  /// Values in the order of `keys`; an empty slice where there is none.
  result<std::vector<rocksdb::PinnableSlice>>
  get(family f, std::span<const std::string> keys) const;

private:
  const state_db& db_;
  rocksdb::ReadOptions options_;
};

/// Walks the keys that begin with a prefix. Starts nowhere: seek first.
class key_scan {
public:
  key_scan(const state_view& at, family f, std::string prefix);
  key_scan(const key_scan&) = delete;
  key_scan& operator=(const key_scan&) = delete;

  void seek_first() {
    iterator_->Seek(slice(prefix_));
  }
  void seek_last() {
    iterator_->SeekToLast();
  }
  /// To the first key at or behind prefix + `suffix`.
  void seek(std::string_view suffix);
  /// To the last key at or before prefix + `suffix`.
  void seek_before(std::string_view suffix);

  bool valid() const {
    return iterator_->Valid();
  }
  void next() {
    iterator_->Next();
  }
  void prev() {
    iterator_->Prev();
  }

  /// Without the prefix.
  std::string_view suffix() const {
    return view(iterator_->key()).substr(prefix_.size());
  }
  std::string_view value() const {
    return view(iterator_->value());
  }

  /// Whether the walk ended because of an error.
  result<void> check() const;

private:
  std::string prefix_;
  std::string behind_;
  rocksdb::Slice lower_; // RocksDB keeps pointers to these two
  rocksdb::Slice upper_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

} // namespace callboard
