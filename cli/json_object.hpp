#pragma once

#include "actors/model/json.hpp"

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace callboard {

/// Writes a JSON object member by member.
class json_object {
public:
  /// `value` is text.
  json_object& text(std::string_view key, std::string_view value) {
    begin(key);
    json::append_quoted(out_, value);
    return *this;
  }

  /// `value` is JSON.
  json_object& raw(std::string_view key, std::string_view value) {
    begin(key);
    out_ += value;
    return *this;
  }

  json_object& number(std::string_view key, std::uint64_t value) {
    begin(key);
    json::append_number(out_, value);
    return *this;
  }

  /// With three digits behind the point.
  json_object& real(std::string_view key, double value) {
    char text[64];
    std::snprintf(text, sizeof text, "%.3f", value);
    return raw(key, text);
  }

  std::string str() const {
    return out_ + '}';
  }

private:
  void begin(std::string_view key) {
    if (out_.size() > 1)
      out_ += ',';
    json::append_quoted(out_, key);
    out_ += ':';
  }

  std::string out_ = "{";
};

/// A JSON list of texts.
template <class Range>
std::string json_texts(const Range& texts) {
  std::string out = "[";
  for (const auto& text : texts) {
    if (out.size() > 1)
      out += ',';
    json::append_quoted(out, text);
  }
  return out + ']';
}

} // namespace callboard
