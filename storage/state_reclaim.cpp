#include "storage/open_database.hpp"
#include "storage/shard_scan.hpp"
#include "storage/state_db.hpp"
#include "storage/state_keys.hpp"

#include <rocksdb/convenience.h>

#include <chrono>
#include <utility>
#include <vector>

namespace callboard {

namespace {

/// How long reclaiming waits for reads that began before the rows were deleted.
/// They take milliseconds, unless they are pins.
constexpr std::chrono::milliseconds view_patience{100};
constexpr std::chrono::milliseconds view_check{5};

int micros_of(std::chrono::microseconds x) {
  return static_cast<int>(x.count());
}

} // namespace

/// RocksDB 7.8, having recovered from an error such as a full disk, still takes
/// itself for stopped where it begins to ingest: it gives the files the number
/// 0, which no file may have, and Debian's build aborts.
bool state_db::can_ingest() const {
  return watch_->errors() == 0;
}

void state_db::resume() const {
  resume_database(*db_, db_->GetName());
}

result<bool>
state_db::ingest(std::span<const rocksdb::IngestExternalFileArg> files) const {
  if (files.empty())
    return true;
  // With a snapshot there is, files never get the sequence number 0, which any
  // old tombstone would hide.
  const state_view now{*this};
  const std::lock_guard guard{ingest_mutex_};
  if (!can_ingest())
    return false;
  auto status = db_->IngestExternalFiles({files.begin(), files.end()});
  ingested_ = true; // a failed one may have used its number up
  if (!status.ok())
    return storage_problem(status, "taking in the files of a staged state");
  return true;
}

bool state_db::has_view_before(rocksdb::SequenceNumber seq) const {
  std::uint64_t oldest = 0; // 0: there is none
  db_->GetIntProperty(rocksdb::DB::Properties::kOldestSnapshotSequence,
                      &oldest);
  return oldest != 0 && oldest < seq;
}

/// Files that hold nothing but the shard are dropped as they are. A view from
/// before would miss them (RocksDB does not look), so there must be none; views
/// from now on see the rows deleted, whether they are there or not.
result<void> state_db::reclaim(shard_id shard, reclaim_effort effort) const {
  const auto seq = db_->GetLatestSequenceNumber();
  for (auto waited = view_check; has_view_before(seq) && waited < view_patience;
       waited += view_check)
    db_->GetEnv()->SleepForMicroseconds(micros_of(view_check));
  if (has_view_before(seq)) {
    const std::lock_guard guard{owed_mutex_};
    if (effort == reclaim_effort::thorough)
      owed_[shard] = seq;
    return {};
  }
  const auto begin = keys::shard(shard);
  const auto end = keys::behind_shard(shard);
  const rocksdb::Slice begin_slice{begin}, end_slice{end};
  const rocksdb::RangePtr range{&begin_slice, &end_slice};
  for (auto f : shard_families)
    if (auto status
        = rocksdb::DeleteFilesInRanges(db_.get(), handle(f), &range, 1, false);
        !status.ok())
      return storage_problem(status, "giving the space of a shard back");
  if (effort == reclaim_effort::thorough)
    if (auto done = compact(shard); !done)
      return done;
  reclaim_owed();
  return {};
}

/// Rewrites what is left: files that hold other shards, too, and tombstones.
result<void> state_db::compact(shard_id shard) const {
  const auto begin = keys::shard(shard);
  const auto end = keys::behind_shard(shard);
  const rocksdb::Slice begin_slice{begin}, end_slice{end};
  rocksdb::CompactRangeOptions how;
  how.bottommost_level_compaction
    = rocksdb::BottommostLevelCompaction::kForceOptimized;
  how.exclusive_manual_compaction = false; // other shards are written to
  for (auto f : shard_families)
    if (auto status
        = db_->CompactRange(how, handle(f), &begin_slice, &end_slice);
        !status.ok())
      return storage_problem(status, "giving the space of a shard back");
  return {};
}

void state_db::reclaim_owed() const {
  std::vector<std::pair<shard_id, rocksdb::SequenceNumber>> due;
  {
    const std::lock_guard guard{owed_mutex_};
    for (auto& owed : owed_)
      if (!has_view_before(owed.second))
        due.push_back(owed);
    for (auto& owed : due)
      owed_.erase(owed.first);
  }
  // The shard may have come back meanwhile: nothing but compaction is safe.
  for (auto& [shard, seq] : due)
    if (auto done = compact(shard); !done) {
      const std::lock_guard guard{owed_mutex_};
      owed_.emplace(shard, seq);
    }
}

} // namespace callboard
