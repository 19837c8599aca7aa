#pragma once

#include "config/settings.hpp"
#include "transport/http_endpoint.hpp"

#include <memory>

namespace callboard::signalr {

/// `/hubs/workflow-execution`: contract 3.
std::unique_ptr<http_endpoint> make_hub_endpoint(const settings& conf);

} // namespace callboard::signalr
