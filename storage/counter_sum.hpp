#pragma once

#include "actors/model/json.hpp"

#include <string>

namespace callboard {

/// Adds `count` to the JSON number `sum`. Integers stay integers while they fit
/// 64 bits; then, and with fractions, the sum is a double in its shortest
/// spelling. What is no number, or leaves no finite sum, adds nothing.
void add_to_sum(std::string& sum, const json::value& count);

} // namespace callboard
