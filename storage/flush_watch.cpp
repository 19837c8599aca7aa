#include "storage/flush_watch.hpp"

#include <algorithm>

namespace callboard {

void flush_watch::start(rocksdb::SequenceNumber seq) {
  std::lock_guard guard{mutex_};
  flushed_ = seq;
}

bool flush_watch::flushed(rocksdb::SequenceNumber seq) const {
  std::lock_guard guard{mutex_};
  return flushed_ >= seq;
}

std::uint64_t flush_watch::errors() const {
  std::lock_guard guard{mutex_};
  return errors_;
}

bool flush_watch::wait(rocksdb::SequenceNumber seq, std::uint64_t errors,
                       std::chrono::milliseconds limit) {
  std::unique_lock guard{mutex_};
  changed_.wait_for(guard, limit,
                    [&] { return flushed_ >= seq || errors_ != errors; });
  return flushed_ >= seq;
}

void flush_watch::OnFlushCompleted(rocksdb::DB* /*db*/,
                                   const rocksdb::FlushJobInfo& info) {
  // Called when the files of all column families of an atomic flush are part of
  // the database; each tells the last write that it holds.
  std::lock_guard guard{mutex_};
  flushed_ = std::max(flushed_, info.largest_seqno);
  changed_.notify_all();
}

void flush_watch::OnBackgroundError(rocksdb::BackgroundErrorReason /*reason*/,
                                    rocksdb::Status* /*error*/) {
  std::lock_guard guard{mutex_};
  ++errors_;
  changed_.notify_all();
}

void flush_watch::OnErrorRecoveryBegin(
  rocksdb::BackgroundErrorReason /*reason*/, rocksdb::Status /*error*/,
  bool* automatically) {
  *automatically = false;
}

} // namespace callboard
