#pragma once

#include "actors/model/json.hpp"
#include "actors/model/problem.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace callboard {

/// Merges `changes` (raw JSON object) into `fields`: see contract 1. Shared by
/// the store's fold and by tests that replay events.
class field_map {
public:
  struct field {
    std::string key; ///< decoded
    std::string raw; ///< JSON as sent; never empty, never null
  };

  /// Field by field; an object value replaces the old one; null takes the field
  /// away (readers show known fields that are absent as null). Takes O(n + m)
  /// for large numbers of fields and changes. `changes` must be a valid object
  /// (else errc::internal).
  result<void> merge(std::string_view changes);

  const std::string* find(std::string_view key) const noexcept;
  void set(std::string_view key, std::string raw);
  /// set() for a key that is known not to be there: does not look. For
  /// decoders.
  void append(std::string key, std::string raw) {
    fields_.push_back({std::move(key), std::move(raw)});
  }
  void erase(std::string_view key);

  const std::vector<field>& fields() const noexcept {
    return fields_;
  }

private:
  void merge_indexed(const json::value& changes);

  std::vector<field> fields_; // in the order in which they first appeared
};

} // namespace callboard
