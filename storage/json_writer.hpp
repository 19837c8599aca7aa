#pragma once

#include "actors/model/json.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace callboard {

/// Appends members of one JSON object to a text, with the commas between them;
/// the braces are the caller's.
class json_writer {
public:
  explicit json_writer(std::string& out) noexcept : out_{out} {
    // nop
  }

  /// Begins a member; the caller appends its value.
  std::string& key(std::string_view name) {
    if (!first_)
      out_.push_back(',');
    first_ = false;
    json::append_quoted(out_, name);
    out_.push_back(':');
    return out_;
  }

  /// `value` is JSON; an empty one stands for null.
  void raw(std::string_view name, std::string_view value) {
    key(name).append(value.empty() ? "null" : value);
  }

  void text(std::string_view name, std::string_view value) {
    json::append_quoted(key(name), value);
  }

  void number(std::string_view name, std::uint64_t value) {
    json::append_number(key(name), value);
  }

private:
  std::string& out_;
  bool first_ = true;
};

} // namespace callboard
