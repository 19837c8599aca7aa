#pragma once

#include <span>
#include <string>
#include <string_view>

namespace callboard {

/// The one of `known` that `word` was probably meant to be (few edits away), or
/// empty. Used in messages: "did you mean …?".
std::string_view closest(std::string_view word,
                         std::span<const std::string> known);

/// `"; did you mean \"X\"?"` for the closest of `known`, or empty.
std::string did_you_mean(std::string_view word,
                         std::span<const std::string> known);

} // namespace callboard
