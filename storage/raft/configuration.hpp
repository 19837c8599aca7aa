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

/// Of a leader that has applied its barrier: who belongs to the group, by what
/// is committed or by what may yet be. Whoever does not is needed no more and
/// may drop its replica, but for consensus::log_end().
std::vector<node_number> nodes_of(const consensus& leader);

/// Of a log that lacks what a dropped replica had (restored_log::dropped):
/// whether its members, those of long ago, are this node alone. It would lead
/// at once; drop it again.
bool would_lead_without_dropped(const restored_log& found, node_number self);

} // namespace callboard
