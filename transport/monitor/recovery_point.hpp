#pragma once

#include "actors/model/ids.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callboard {

struct principal;

/// What a monitor's client has received, in its own hands: the offset that each
/// event carries. A node needs nothing else to carry a client on, so that any
/// node can do it, also after the one that the client knew has died. It is no
/// secret and proves nothing: what a client may see is decided by its token.
struct recovery_point {
  /// One room's position: all of the project's events up to `seq` (of that run,
  /// if it names one) were received.
  struct place {
    project_id project;
    event_seq seq;
    run_id run = {}; ///< Empty: a project of the tenant's view.

    friend bool operator==(const place&, const place&) = default;
  };

  /// More than these do not go into an offset: such sessions begin anew.
  static constexpr std::size_t max_places = 32;

  std::int64_t unix_ms = 0; ///< When it was said.
  bool tenant = false;      ///< The tenant's view is subscribed to.
  std::vector<place> places;

  friend bool operator==(const recovery_point&, const recovery_point&)
    = default;
};

/// base64url. The text of a point with too many places says that there is
/// nothing to go on from.
std::string encode(const recovery_point& x);

/// nullopt for anything that encode() does not say.
std::optional<recovery_point> decode_recovery_point(std::string_view text);

/// The id that a client names when it comes back. It belongs to a user: that of
/// somebody else is not taken. Any node can tell.
std::string new_recovery_id(const principal& who);
bool is_recovery_id_of(const principal& who, std::string_view pid);

/// The socket's public id, which stays the same when it comes back.
std::string socket_id_of(std::string_view pid);

} // namespace callboard
