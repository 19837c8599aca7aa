#pragma once

#include "actors/model/ids.hpp"
#include "actors/model/problem.hpp"
#include "storage/flush_watch.hpp"
#include "storage/storage_options.hpp"

#include <rocksdb/db.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace callboard {

/// Column families of the state store, in the order of their handles. `meta` is
/// RocksDB's default one: format version and number of shards.
enum class family : std::uint8_t { meta, events, rows, index };

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

private:
  state_db() = default;
  result<void> check_format(const std::string& path);

  std::shared_ptr<flush_watch> watch_ = std::make_shared<flush_watch>();
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
