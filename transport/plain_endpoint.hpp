#pragma once

#include "transport/http_endpoint.hpp"

#include <memory>

namespace callboard {

/// `/ws`: contracts 1 and 2.
std::unique_ptr<http_endpoint> make_native_endpoint();

/// `/events`, `/ws/events`: contract 5.
std::unique_ptr<http_endpoint> make_phase_endpoint();

} // namespace callboard
