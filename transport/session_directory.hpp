#pragma once

#include "actors/engine.hpp"
#include "transport/hub.hpp"

#include <functional>
#include <memory>
#include <span>
#include <string>

/// The connections of this node, wherever they live in it, for operators (of
/// any node: edge_sink::admin()).
namespace callboard {

/// Called once, on the thread of the hub that answered last; not at all if the
/// hubs stop before.
using sessions_told = std::function<void(result<document_answer>)>;

/// Asks all hubs for the sessions that `x` may see and gives those behind its
/// cursor, by number, at most as many as fit the page; `next_cursor` is there
/// if there are more. `node` is this node's name, which their ids begin with.
/// errc::invalid for a cursor that is no id. On any hub's thread.
void collect_sessions(std::span<const std::unique_ptr<hub>> hubs,
                      const find_sessions& x, const std::string& node,
                      sessions_told done);

/// Closes the session wherever it lives; 204. errc::not_found if there is none
/// here that the asker may see. On any hub's thread.
void close_session(std::span<const std::unique_ptr<hub>> hubs,
                   const end_session& x, const std::string& node,
                   sessions_told done);

} // namespace callboard
