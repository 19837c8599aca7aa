#pragma once

#include "actors/model/json.hpp"

#include <cstdint>
#include <string>
#include <string_view>

/// Members of objects that this program wrote itself, maybe in an older or
/// newer version: what is not there, or is something else, is empty.
namespace callboard::json {

inline std::string text_of(value x, std::string_view key) {
  auto found = x.find(key);
  return found && found->is(kind::string) ? found->string() : std::string{};
}

/// 0 for negative numbers, too.
inline std::uint64_t number_of(value x, std::string_view key) {
  auto found = x.find(key);
  auto number
    = found && found->is(kind::number) ? found->integer() : std::nullopt;
  return number && *number > 0 ? static_cast<std::uint64_t>(*number) : 0;
}

} // namespace callboard::json
