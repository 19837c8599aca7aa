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

/// Likewise of list_projects and find_run, which every shard answered for
/// itself. Any shard's failure is that of the whole.
decltype(answer::outcome)
merge_parts(const query::any& asked,
            std::vector<decltype(answer::outcome)> parts, bool complete);

} // namespace callboard
