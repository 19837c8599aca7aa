#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace callboard {

/// What operators call a connection: `{node}:{number}`, unique in the cluster.
/// Lists go by node, then by number; their cursors are ids.
struct session_id {
  std::string node;         ///< Empty: the node that is asked.
  std::uint64_t number = 0; ///< As hub::add() gave it; never 0.

  /// Also takes a bare number; a node's name may have colons. nullopt for all
  /// else.
  static std::optional<session_id> parse(std::string_view text);

  friend bool operator==(const session_id&, const session_id&) = default;
};

std::string to_string(const session_id& x);

} // namespace callboard
