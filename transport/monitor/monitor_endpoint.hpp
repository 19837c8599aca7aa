#pragma once

#include "config/settings.hpp"
#include "transport/http_endpoint.hpp"

#include <memory>

namespace callboard {

/// Contract 4: Socket.IO at `/socket.io`, namespace `/workflows`.
std::unique_ptr<http_endpoint> make_monitor_endpoint(const settings& conf);

} // namespace callboard
