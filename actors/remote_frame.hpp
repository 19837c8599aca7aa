#pragma once

#include "actors/model/shared_bytes.hpp"
#include "actors/remote.hpp"

#include <memory>
#include <string>

namespace callboard {

/// A message for other nodes, encoded once for all that get it.
inline shared_bytes frame(const remote::message& x) {
  return std::make_shared<const std::string>(remote::encode(x));
}

} // namespace callboard
