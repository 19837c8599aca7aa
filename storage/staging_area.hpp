#pragma once

#include "actors/model/ids.hpp"
#include "actors/model/problem.hpp"
#include "storage/raft/effects.hpp"
#include "storage/state_store.hpp"

#include <rocksdb/env.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace callboard {

/// What a finished staged state says of itself: the file `complete`.
struct staged_manifest {
  struct file {
    std::string name; ///< Its beginning, up to '-', names the column family.
    std::uint64_t bytes = 0;

    friend bool operator==(const file&, const file&) = default;
  };
  shard_id shard;
  stream_id stream;
  std::vector<file> files;

  friend bool operator==(const staged_manifest&, const staged_manifest&)
    = default;
};
std::string encode(const staged_manifest& x);
/// nullopt: not what encode() made.
std::optional<staged_manifest> decode_staged_manifest(std::string_view bytes);

/// Whether a state that is being staged is still wanted. Held by its import,
/// locked during each of its calls.
struct staging_claim {
  std::mutex mutex;
  bool void_ = false; ///< Its folder belongs to somebody else, or to nobody.
};

/// The folder state-staging/ beside the store: one folder per staged state,
/// SHARD-STREAM in decimal.
/// Threads: any.
class staging_area {
public:
  /// `dir` need not exist.
  staging_area(rocksdb::Env& env, std::string dir);

  std::string folder(shard_id shard, stream_id stream) const;

  /// Makes the folder of a new staged state, and drops all others of its shard.
  result<std::shared_ptr<staging_claim>> begin(shard_id shard,
                                               stream_id stream);

  /// The files of the folder are complete and synced, and stay.
  result<void> complete(const staged_manifest& x);

  /// errc::not_found: there is no such complete state.
  result<staged_manifest> find(shard_id shard, stream_id stream) const;

  result<void> drop(shard_id shard);
  result<void> drop_except(std::span<const staged_state> keep);
  /// Drops the files of a state whose claim is good.
  result<void> drop_folder(const std::string& path) const;

  result<void> sync_folder(const std::string& path) const;

private:
  template <class Wanted>
  result<void> drop_where(Wanted wanted) const;
  void revoke(shard_id shard);

  rocksdb::Env& env_;
  const std::string dir_;
  std::mutex mutex_; ///< Over claims_ and the making and dropping of folders.
  std::map<shard_id, std::weak_ptr<staging_claim>> claims_;
};

} // namespace callboard
