#pragma once

#include "actors/model/ids.hpp"
#include "actors/model/problem.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

/// How the state of one shard leaves one node's state store and becomes that of
/// another's.
namespace callboard {

/// The state of one shard, pinned at one moment. Reads go to the disk: use it
/// on a reader's thread, one at a time. The store must outlive it.
class state_export {
public:
  virtual ~state_export() = default;

  /// Everything up to here is in it.
  virtual log_index applied() const noexcept = 0;

  /// The next rows, encoded, at least one and at most about `max_bytes` (one
  /// row may be larger). Empty: that was all.
  virtual result<std::string> next(std::size_t max_bytes) = 0;

  /// Over all keys and values, whatever was read with next(). Equal on replicas
  /// that applied the same entries. Reads everything: takes long.
  virtual result<std::uint64_t> digest() = 0;
};

/// A streamed state on its way into the store, staged beside it: files of
/// sorted rows in a folder of its own, named by shard and stream. Bounded
/// memory. Used on one thread at a time. Dropping it unfinished drops the
/// files.
class state_import {
public:
  virtual ~state_import() = default;

  /// A chunk of state_export::next(), in order. errc::invalid: not such a
  /// chunk, rows out of order, or of another shard; errc::unavailable: no
  /// space.
  virtual result<void> add(std::string_view chunk) = 0;

  /// All chunks were added: makes them durable. The staged state now survives
  /// this object and the process, until it is installed or dropped.
  virtual result<void> finish() = 0;
};

} // namespace callboard
