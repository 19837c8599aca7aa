#pragma once

#include <string>
#include <string_view>

/// What the headers of a request say.
namespace callboard {

/// The token of an `Authorization` header; empty if it has none.
std::string_view bearer_token(std::string_view header) noexcept;

/// `Content-Type` without parameters, in lower case.
std::string media_type(std::string_view header);

/// A request's target without its query.
std::string_view path_of(std::string_view target) noexcept;

} // namespace callboard
