#pragma once

#include "actors/model/problem.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace callboard {

/// How a body is packed for its way (`Content-Encoding`).
enum class content_coding : std::uint8_t { identity, gzip, zstd };

/// The header's value; empty for identity.
std::string_view to_string(content_coding x) noexcept;

/// What a request's `Content-Encoding` says. errc::invalid for a coding that is
/// not known here, or for more than one.
result<content_coding> parse_content_encoding(std::string_view header);

/// The best coding that `Accept-Encoding` allows: by quality, then zstd before
/// gzip. An empty header allows identity only.
content_coding choose_coding(std::string_view accept_encoding) noexcept;

/// Unpacks a body. errc::too_large as soon as more than `max_bytes` come out
/// (so that a small bomb costs little), errc::invalid when the packing is
/// damaged or incomplete.
result<std::string> decompress(std::string_view packed, content_coding coding,
                               std::size_t max_bytes);

/// Packs quickly rather than tightly. nullopt when that fails or wins nothing.
std::optional<std::string> compress(std::string_view text,
                                    content_coding coding);

} // namespace callboard
