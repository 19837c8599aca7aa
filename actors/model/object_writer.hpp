#pragma once

#include "actors/model/json_text.hpp"

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace callboard::json {

/// Writes one object, member by member, in the order of the calls. Names need
/// no escapes.
class object_writer {
public:
  /// `value` is JSON as it shall stand there; empty: null.
  object_writer& raw(std::string_view name, std::string_view value) {
    append_member(out_, name, value.empty() ? "null" : value);
    return *this;
  }

  object_writer& text(std::string_view name, std::string_view value) {
    append_string_member(out_, name, value);
    return *this;
  }

  object_writer& number(std::string_view name, std::int64_t value) {
    char digits[24];
    auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    return raw(name, {digits, static_cast<std::size_t>(end - digits)});
  }

  /// Closes the object. The writer is spent.
  std::string take() {
    return std::move(out_) + '}';
  }

private:
  std::string out_{"{"};
};

} // namespace callboard::json
