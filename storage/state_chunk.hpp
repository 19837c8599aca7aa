#pragma once

#include "storage/state_db.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// A piece of a shard's state on its way to another node;
/// docs/file-formats.md has the grammar.
namespace callboard {

/// What stands behind a state's last row.
struct state_end {
  std::uint64_t rows = 0;
  std::uint64_t digest = 0;

  friend bool operator==(const state_end&, const state_end&) = default;
};

/// Builds one chunk.
class chunk_writer {
public:
  /// `number` counts the chunks of a stream from 0.
  chunk_writer(shard_id shard, std::uint32_t number);

  /// A row; `key` without the shard.
  void add(family in, std::string_view key, std::string_view value);
  /// The state is complete. Nothing may follow.
  void end(const state_end& x);

  std::size_t bytes() const noexcept {
    return out_.size();
  }

  /// The chunk, with its checksum. The writer is used up.
  std::string take();

private:
  std::string out_;
};

/// Takes a chunk apart. The views point into it.
class chunk_reader {
public:
  struct row {
    family in = family::events;
    std::string_view key; ///< Without the shard.
    std::string_view value;
  };

  /// errc::invalid: not a chunk (of a format that this program knows), or not
  /// as it was sent.
  static result<chunk_reader> open(std::string_view chunk);

  shard_id shard() const noexcept {
    return shard_;
  }
  std::uint32_t number() const noexcept {
    return number_;
  }

  /// False: no row follows; see ok() and end().
  bool next(row& out) noexcept;

  /// Whether next() stopped at the chunk's end, and not at something else.
  bool ok() const noexcept {
    return ok_;
  }
  /// After the last row: whether it was the state's last, too.
  const std::optional<state_end>& end() const noexcept {
    return end_;
  }

private:
  chunk_reader() = default;

  std::string_view rest_;
  shard_id shard_;
  std::uint32_t number_ = 0;
  bool ok_ = true;
  std::optional<state_end> end_;
};

} // namespace callboard
