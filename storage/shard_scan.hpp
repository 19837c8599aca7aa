#pragma once

#include "storage/byte_hash.hpp"
#include "storage/state_db.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace callboard {

/// The column families that hold rows of shards, in the order in which a
/// shard's rows are walked.
inline constexpr std::array shard_families{family::events, family::rows,
                                           family::index};

/// A place in a shard: the first row of `in` whose key, without the shard, is
/// not before `key`.
struct shard_place {
  family in = shard_families.front();
  std::string key;
};

/// Walks all rows of a shard, family by family, in the order of their keys, in
/// long reads that leave the block cache alone.
class shard_scan {
public:
  shard_scan(const state_view& at, shard_id shard, const shard_place& from,
             std::size_t readahead_bytes);

  bool valid() const noexcept {
    return iterator_ && iterator_->Valid();
  }
  void next();

  family in() const noexcept {
    return shard_families[family_];
  }
  /// Without the shard.
  std::string_view key() const {
    return view(iterator_->key()).substr(lower_.size());
  }
  std::string_view value() const {
    return view(iterator_->value());
  }

  /// Whether the walk ended because of an error.
  result<void> check() const;

private:
  void open(std::string_view key);
  void skip_empty();

  const state_view& at_;
  std::string lower_;
  std::string upper_;
  rocksdb::Slice lower_slice_; // RocksDB keeps pointers to these two
  rocksdb::Slice upper_slice_;
  std::size_t readahead_bytes_;
  std::size_t family_ = 0;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

/// Sums up the rows of a shard as they are walked; see state_store::digest().
class row_digest {
public:
  void add(family in, std::string_view key, std::string_view value) noexcept {
    begin(in);
    hash_.add(key);
    hash_.add(value);
  }

  /// All rows were added.
  std::uint64_t value() noexcept {
    begin(shard_families.back());
    return hash_.value();
  }

private:
  /// Each family is named once, with or without rows.
  void begin(family in) noexcept {
    while (named_ < shard_families.size()
           && (named_ == 0 || shard_families[named_ - 1] != in)) {
      hash_.add("family");
      ++named_;
    }
  }

  byte_hash hash_;
  std::size_t named_ = 0;
};

/// See state_store::digest().
result<std::uint64_t> state_digest(const state_view& at, shard_id shard);

} // namespace callboard
