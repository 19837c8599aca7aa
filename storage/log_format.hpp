#pragma once

#include "actors/model/ids.hpp"
#include "storage/raft/consensus.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

/// Keys and values of the log store; docs/file-formats-log.md has the grammar.
/// Decoders take any bytes and answer nullopt to what no encoder wrote.
namespace callboard::log_format {

/// The format that this program writes. It reads this one and older ones.
inline constexpr std::uint64_t version = 1;

/// The last number of a shard: the directory's group. Among its keys lies the
/// version, under a letter that is no tag.
inline constexpr std::uint64_t last_shard = 0xffff;

enum class tag : char {
  entry = 'e',
  hard_state = 'h',
  trim = 't',
  install = 'i',
  wiped = 'w',
};

/// shard, tag and, for entries, index. Sorted like the numbers.
class key {
public:
  key(shard_id shard, tag kind) noexcept;
  key(shard_id shard, log_index entry) noexcept;

  std::string_view view() const noexcept {
    return {bytes_.data(), size_};
  }

private:
  std::array<char, 11> bytes_;
  std::size_t size_;
};

/// The key of the store's format version.
std::string version_key();

/// nullopt: not the key of an entry.
std::optional<log_index> decode_entry_key(std::string_view bytes);

std::string encode(const hard_state& x);
std::optional<hard_state> decode_hard_state(std::string_view bytes);

/// The front of an entry's value; the payload follows.
struct entry_head {
  std::array<char, 11> bytes;
  std::size_t size;
};
entry_head encode_head(raft_term term, entry_kind kind);

/// A value without its index; `payload` points into `bytes`.
struct entry_value {
  raft_term term;
  entry_kind kind = entry_kind::command;
  std::string_view payload;
};
std::optional<entry_value> decode_entry(std::string_view bytes);

/// What stands for the entries that were trimmed.
struct trim_record {
  log_index upto; ///< Index of the last one.
  raft_term term; ///< Its term.
  log_index configuration_index;
  std::string configuration;

  friend bool operator==(const trim_record&, const trim_record&) = default;
};
std::string encode(const trim_record& x);
std::optional<trim_record> decode_trim(std::string_view bytes);

/// Where the log of a replica ended that was dropped.
std::string encode(const log_position& x);
std::optional<log_position> decode_position(std::string_view bytes);

/// The stream of an install that is not finished.
std::string encode(stream_id x);
std::optional<stream_id> decode_stream(std::string_view bytes);

} // namespace callboard::log_format
