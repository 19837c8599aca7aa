#pragma once

#include <rocksdb/listener.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace callboard {

/// Knows by RocksDB's own events what of a database without a write-ahead log
/// is on the disk.
///
/// DB::Flush() cannot be asked: after RocksDB 7.8 recovered from an error once
/// (such as a full disk), it answers "OK" before anything is written. Whoever
/// trims a log on that word loses data.
///
/// Also keeps RocksDB from looking for space on its own, as it refuses
/// DB::Resume() while it does.
/// Threads: any.
class flush_watch : public rocksdb::EventListener {
public:
  /// Everything up to `seq` is on the disk: what was there when the database
  /// was opened.
  void start(rocksdb::SequenceNumber seq);

  bool flushed(rocksdb::SequenceNumber seq) const;

  /// Errors so far, for wait().
  std::uint64_t errors() const;

  /// Blocks until everything up to `seq` is on the disk. False: an error came
  /// after the count `errors`, or it took longer than `limit`.
  bool wait(rocksdb::SequenceNumber seq, std::uint64_t errors,
            std::chrono::milliseconds limit);

  void OnFlushCompleted(rocksdb::DB* db,
                        const rocksdb::FlushJobInfo& info) override;
  void OnBackgroundError(rocksdb::BackgroundErrorReason reason,
                         rocksdb::Status* error) override;
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason reason,
                            rocksdb::Status error,
                            bool* automatically) override;

private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  rocksdb::SequenceNumber flushed_ = 0;
  std::uint64_t errors_ = 0;
};

} // namespace callboard
