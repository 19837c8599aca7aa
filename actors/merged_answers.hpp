#pragma once

#include "actors/engine.hpp"

#include <vector>

namespace callboard {

/// One answer from those of all nodes: lists become one page in the order of
/// their cursors; of single things the one that a node has (of a shard: its
/// leader's). Not `complete`: a node said nothing, so what nobody has may still
/// be there. Plain function.
decltype(answer::outcome)
merge_answers(const admin_request& asked,
              std::vector<decltype(answer::outcome)> answers, bool complete);

} // namespace callboard
