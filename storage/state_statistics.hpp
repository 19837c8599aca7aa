#pragma once

#include "actors/model/ids.hpp"
#include "storage/state_db.hpp"

#include <cstdint>
#include <string>

namespace callboard {

/// See state_store::statistics().
std::string state_statistics(const state_db& db);

/// Bytes of all files of the state store, as RocksDB counts them.
std::uint64_t state_disk_bytes(const state_db& db);

/// See state_store::room_statistics().
result<std::string> room_statistics(const state_view& at,
                                    const tenant_id& tenant);

} // namespace callboard
