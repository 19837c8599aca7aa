#pragma once

#include "storage/raft/consensus.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace callboard {

/// The payload of a configuration entry: the members of a group, in the format
/// that cowsql/raft reads (docs/file-formats-log.md). Its own decoder trusts
/// its input, so everything from disk and wire goes through decode_members()
/// first.
std::string encode_members(std::span<const group_member> members);

/// nullopt: not a configuration, or one that cannot be (no member, an id twice,
/// node 0).
std::optional<std::vector<group_member>> decode_members(std::string_view bytes);

/// Whether `self` is the one voter.
bool is_only_voter(std::span<const group_member> members, node_number self);

} // namespace callboard
