#pragma once

#include "actors/model/problem.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace callboard {

/// Bytes that `text` names: a whole number, alone or followed by B, KiB, MiB,
/// GiB, TiB (powers of 1024) or kB, MB, GB, TB (powers of 1000).
result<std::uint64_t> parse_size(std::string_view text);

/// The time that `text` names: a whole number followed by ms, s, m, h or d; "0"
/// needs no unit.
result<std::chrono::milliseconds> parse_duration(std::string_view text);

/// The shortest spelling that parse_size() reads back as `bytes`, such as
/// "64MiB".
std::string format_size(std::uint64_t bytes);

/// The shortest spelling that parse_duration() reads back as `x`, such as
/// "30s".
std::string format_duration(std::chrono::milliseconds x);

} // namespace callboard
