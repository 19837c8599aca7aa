#pragma once

#include <rocksdb/env.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

namespace callboard::test {

/// A disk that can lose power, fill up and break, for both stores
/// (storage_options::env).
///
/// Power cut: after cut_after_syncs(n) the n-th sync from then on still reaches
/// the disk, and everything later fails, as it would for a machine that is off.
/// restore_power() then takes the files back to what the disk has: bytes that
/// were written but not synced are gone, and so are files and renames whose
/// folder was not synced. Call it when no database uses this Env any more.
///
/// Nothing is really synced: that would only take time.
///
/// Full disk and broken disk: fail_writes(). Reads always work.
///
/// Threads: any.
class power_cut_env : public rocksdb::EnvWrapper {
public:
  power_cut_env();

  /// From now on, `syncs` more syncs (of files or folders) succeed.
  void cut_after_syncs(std::uint64_t syncs);
  bool power_is_out() const;
  /// Syncs so far, since the beginning.
  std::uint64_t syncs() const;

  /// What a disk does with unsynced bytes when the power goes.
  enum class tail {
    lost,      ///< All gone.
    torn,      ///< The first half of them got there.
    scrambled, ///< They are all there, but are not what was written.
  };
  void restore_power(tail how = tail::lost);

  enum class fault {
    none,
    no_space, ///< Writing answers "no space left on device".
    broken,   ///< Writing and syncing answer "input/output error".
  };
  /// Every write and sync from now on; those of files whose names end with
  /// `suffix` if one is given (".log": write-ahead logs).
  void fail_writes(fault what, std::string suffix = {});

  rocksdb::Status NewWritableFile(const std::string& path,
                                  std::unique_ptr<rocksdb::WritableFile>* out,
                                  const rocksdb::EnvOptions& opts) override;
  rocksdb::Status
  ReopenWritableFile(const std::string& path,
                     std::unique_ptr<rocksdb::WritableFile>* out,
                     const rocksdb::EnvOptions& opts) override;
  rocksdb::Status ReuseWritableFile(const std::string& path,
                                    const std::string& old_path,
                                    std::unique_ptr<rocksdb::WritableFile>* out,
                                    const rocksdb::EnvOptions& opts) override;
  rocksdb::Status
  NewDirectory(const std::string& path,
               std::unique_ptr<rocksdb::Directory>* out) override;
  rocksdb::Status DeleteFile(const std::string& path) override;
  rocksdb::Status RenameFile(const std::string& from,
                             const std::string& to) override;
  /// RocksDB sleeps a second after an error in the background.
  void SleepForMicroseconds(int micros) override;
  rocksdb::Status LinkFile(const std::string& from,
                           const std::string& to) override;

private:
  class file;
  class folder;

  /// What of a file is safe.
  struct file_state {
    std::uint64_t synced_bytes = 0;
    bool entry_synced = false; ///< Its folder knows it.
    /// Content before an unsynced rename put this file in its place.
    std::optional<std::string> replaced;
  };

  rocksdb::Status check_write(const std::string& path) const;
  /// Counts one sync; fails when the power is out.
  rocksdb::Status count_sync(const std::string& path);
  void file_synced(const std::string& path, std::uint64_t bytes);
  void folder_synced(const std::string& path);

  mutable std::mutex mutex_;
  std::map<std::string, file_state> files_;
  std::uint64_t syncs_ = 0;
  std::optional<std::uint64_t> cut_at_; ///< Value of syncs_.
  fault fault_ = fault::none;
  std::string fault_suffix_;
};

} // namespace callboard::test
