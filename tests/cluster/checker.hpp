#pragma once

#include "tests/cluster/history.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace callboard::test {

/// A promise that a history shows to be broken.
enum class flaw : std::uint8_t {
  gap,             ///< A room's numbers are not 1, 2, 3 …
  doubled,         ///< An id is in a room twice.
  lost,            ///< Acknowledged and not in the room.
  misnumbered,     ///< Acknowledged at another seq than it has.
  answers_differ,  ///< The same id got different answers.
  refused_applied, ///< Refused, and in the room all the same.
  unasked,         ///< In a room, and nobody sent it.
  reordered,       ///< Before what was acknowledged when it was not yet sent.
  early,           ///< Read before it was sent.
  stale,        ///< Told as current, and lacks what was acknowledged or read.
  view_gap,     ///< A viewer missed an event.
  view_repeat,  ///< A viewer got an event again, or too late.
  view_differs, ///< A viewer got something else than the room has.
  view_short,   ///< A viewer never got the end.
};

std::string_view name(flaw x) noexcept;

struct violation {
  flaw what = flaw::gap;
  std::string text; ///< Who, where, which event.
};

/// Holds a history against the promises: what is acknowledged is there, once,
/// at the seq that was told; one order without gaps, which agrees with real
/// time (whatever was acknowledged before something was sent comes before it,
/// so also per producer); refused ones are absent, unknown ones there at most
/// once; each viewer's record is that order; nothing is told as current that
/// lacks something acknowledged or read before. An empty result: none is
/// broken. Time is linear in the history but for sorting.
std::vector<violation> check(const history& x);

/// How many there are and the first few of each kind, as lines for a message.
std::string describe(const std::vector<violation>& found,
                     std::size_t of_each_kind = 4);

} // namespace callboard::test
