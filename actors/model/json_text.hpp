#pragma once

#include "actors/model/json.hpp"

#include <string>
#include <string_view>

/// Helpers of the model for JSON text; not a seam.
namespace callboard::json {

/// Appends the inside of a valid JSON string with its escapes resolved.
void append_unescaped(std::string& out, std::string_view inside);

/// Whether both are the same JSON value: numbers by value (1 and 1.0, exactly,
/// however many digits), strings decoded, members in any order.
bool equal(value a, value b);

/// Appends the member `"name":` and then `raw`; puts a comma before it unless
/// `out` is empty or ends with an opening brace. `name` needs no escapes.
void append_member(std::string& out, std::string_view name,
                   std::string_view raw);

/// The same with a string value.
void append_string_member(std::string& out, std::string_view name,
                          std::string_view text);

/// Appends `object` (raw) with `members` (raw, no outer commas; may be empty)
/// added at its end.
void append_object_with(std::string& out, std::string_view object,
                        std::string_view members);

} // namespace callboard::json
