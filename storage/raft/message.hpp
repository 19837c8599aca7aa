#pragma once

#include "storage/raft/consensus.hpp"
#include "storage/raft/raft_shim.h"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace callboard {

/// A message of another replica, checked: whatever it says, the library can
/// take it, except where only the replica's own state can tell
/// (raft_consensus).
struct decoded_message {
  craft_message head{};           ///< n_entries is entries.size().
  std::vector<log_entry> entries; ///< head.index + 1 and up.
  /// What head.configuration points to, if anything.
  std::shared_ptr<const std::string> configuration;
};

/// Encodes `head`, with `entries` if it is an APPEND. docs/file-formats-log.md
/// has the grammar.
std::string encode_message(std::uint32_t group, const craft_message& head,
                           std::span<const log_entry> entries);

/// nullopt: garbage, or of another group or version. Payloads are slices of one
/// new block.
std::optional<decoded_message>
decode_message(std::uint32_t group, node_number from, std::string_view bytes);

} // namespace callboard
