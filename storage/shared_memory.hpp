#pragma once

#include "storage/storage_options.hpp"

namespace callboard {

/// Gives `opts` the block cache and the write buffer manager that it lacks, of
/// the sizes that it names. Call it once and open both stores with the answer:
/// they then live within one budget. Idempotent; a store opened without it has
/// a budget of its own.
storage_options share_memory(storage_options opts);

} // namespace callboard
