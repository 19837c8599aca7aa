#pragma once

#include <memory>
#include <string>

namespace callboard {

/// Immutable bytes that several owners share: encoded once, passed by pointer.
using shared_bytes = std::shared_ptr<const std::string>;

} // namespace callboard
