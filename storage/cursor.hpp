#pragma once

#include "actors/model/problem.hpp"

#include <string>
#include <string_view>

namespace callboard {

/// The list of a tenant's projects.
inline constexpr char project_cursor = 'R';

/// Where a page ended, as clients see it: base64url without padding. `list`
/// tells the lists apart, so that a cursor of another list is refused.
std::string encode_cursor(char list, std::string_view place);

/// The place in a cursor; errc::invalid with the pointer "/cursor" for one that
/// encode_cursor() has not made for `list`.
result<std::string> decode_cursor(char list, std::string_view cursor);

/// What decode_cursor() answers to a cursor that makes no sense.
tl::unexpected<problem> bad_cursor();

} // namespace callboard
