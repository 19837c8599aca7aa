#pragma once

#include <tl/expected.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace callboard {

/// Everything that can go wrong, seen from the caller: what to do next follows
/// from the code alone. The numbers are part of the wire format between nodes.
enum class errc : std::uint8_t {
  none = 0,               ///< CAF reads 0 as "no error".
  invalid = 1,            ///< Mend the named field and send again. HTTP 400.
  unauthenticated = 2,    ///< Bring a valid token. HTTP 401.
  forbidden = 3,          ///< The token does not allow this. HTTP 403.
  not_found = 4,          ///< Nothing of that name that you may see. HTTP 404.
  method_not_allowed = 5, ///< Use one of the allowed methods. HTTP 405.
  conflict = 6,     ///< The state forbids it (names both states). HTTP 409.
  too_large = 7,    ///< Send less at once. HTTP 413.
  rate_limited = 8, ///< Wait `retry_after`, then send again. HTTP 429.
  unavailable = 9,  ///< Not now: wait `retry_after`, then again. HTTP 503.
  internal = 10,    ///< A fault of ours; the log has more. HTTP 500.
};

/// The code as clients see it, such as "not_found".
std::string_view to_string(errc code) noexcept;

/// The HTTP status that goes with `code`.
int http_status(errc code) noexcept;

/// Why something was refused, in the words that the client gets.
struct problem {
  errc code = errc::internal;
  std::string detail; ///< One sentence: field, value, remedy.
  std::string pointer
    = {}; ///< RFC 6901 pointer to the offending field, or empty.
  std::chrono::seconds retry_after{0}; ///< 0: no advice.

  friend bool operator==(const problem&, const problem&) = default;
};

/// A value, or the problem that prevented it.
template <class T>
using result = tl::expected<T, problem>;

/// Makes the unexpected half of a result.
inline tl::unexpected<problem> fail(errc code, std::string detail,
                                    std::string pointer = {}) {
  return tl::unexpected<problem>{
    problem{code, std::move(detail), std::move(pointer)}};
}

} // namespace callboard
