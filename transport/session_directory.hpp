#pragma once

#include "transport/call.hpp"
#include "transport/hub.hpp"

#include <functional>
#include <memory>
#include <span>
#include <string>

namespace callboard {

/// Asks all hubs for the sessions that `x` may see and gives a page of them, by
/// id, as a JSON list to `done`, on the asking hub's thread.
void collect_sessions(std::span<const std::unique_ptr<hub>> hubs, hub& asker,
                      const list_sessions& x, std::string node,
                      std::function<void(std::string)> done);

/// Closes the session wherever it lives; `done` gets whether there was one.
void close_session_on(std::span<const std::unique_ptr<hub>> hubs, hub& asker,
                      const close_session& x, std::function<void(bool)> done);

} // namespace callboard
