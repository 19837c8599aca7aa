#pragma once

#include "cli/cluster_status.hpp"

#include <string>

namespace callboard {

/// The cluster for people: what is wrong first, then a summary in one line, the
/// nodes, the shards. Plain text, columns aligned, every line ended.
std::string cluster_tables(const cluster_status& x);

/// "3 nodes up, 16 shards, all with a leader and 3 voters, 0 moves".
std::string summary_line(const cluster_status& x);

} // namespace callboard
