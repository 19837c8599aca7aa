#pragma once

#include "actors/model/problem.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace callboard {

/// Who a data folder is: the file `identity` in it. The disk's id is made with
/// the file; a node whose data is lost comes back as another disk. Folders of
/// single nodes from before clusters have no such file: it is made.
/// docs/file-formats.md has the format.
///
/// Durability: every change is on the disk (file and folder synced) when the
/// call returns; after a crash the file is the old or the new one.
///
/// Threads: one at a time. Open the stores first, so that no other process has
/// the folder.
class node_identity_file {
public:
  /// Reads the file, or makes it (and the folder). errc::internal: it is
  /// damaged or cannot be read or written; errc::conflict: a newer program
  /// wrote it; errc::unavailable: no space. Details name the file and the
  /// remedy.
  static result<node_identity_file> open(const std::filesystem::path& dir);

  /// 32 hexadecimal digits, random: peer_identity::disk.
  const std::string& disk() const noexcept {
    return now_.disk;
  }
  /// Id of the cluster; empty: the node belongs to none.
  const std::string& cluster() const noexcept {
    return now_.cluster;
  }
  /// The encoded map that the cluster began with, if this node was in it from
  /// the start: it founds the groups of that map with the others. Else empty.
  const std::string& genesis() const noexcept {
    return now_.genesis;
  }
  /// The encoded map that was seen last; the genesis before any other; empty:
  /// none.
  const std::string& latest() const noexcept {
    return now_.latest;
  }

  /// The node belongs to `cluster` from now on. `genesis`: see genesis(); empty
  /// for a node that joins a cluster that exists. Again with the same cluster:
  /// nothing changes. errc::conflict: it belongs to another; errc::unavailable:
  /// no space, nothing changed.
  result<void> join(std::string_view cluster, std::string_view genesis);

  /// Keeps the map that was seen last, for the next start. Errors as join();
  /// errc::conflict: it belongs to no cluster yet.
  result<void> remember(std::string_view map);

private:
  struct content {
    std::string disk, cluster, genesis, latest;
  };

  explicit node_identity_file(std::filesystem::path dir);
  result<void> write(content next);
  static std::string encode(const content& x);
  result<content> decode(std::string_view bytes) const;
  std::filesystem::path file() const;

  std::filesystem::path dir_;
  content now_;
};

} // namespace callboard
