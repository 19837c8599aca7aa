#pragma once

#include "actors/model/problem.hpp"

#include <cstdint>
#include <string>

namespace callboard {

struct file_digest {
  std::uint64_t size = 0;
  std::string sha256; ///< Hexadecimal.
};

/// Reads the file once. errc::not_found if it cannot be read.
result<file_digest> digest_file(const std::string& path);

} // namespace callboard
