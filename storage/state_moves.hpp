#pragma once

#include "storage/staging_area.hpp"
#include "storage/state_db.hpp"
#include "storage/state_transfer.hpp"

#include <memory>

/// How the state of a shard leaves the store, comes in and goes; see
/// state_store, which has these as members.
namespace callboard {

result<std::unique_ptr<state_export>> pin_state(const state_db& db,
                                                shard_id shard);

result<std::unique_ptr<state_import>> stage_state(const state_db& db,
                                                  staging_area& staging,
                                                  shard_id shard,
                                                  stream_id stream);

result<void> install_state(state_db& db, staging_area& staging, shard_id shard,
                           stream_id stream);

/// Durably drops all rows of a shard.
result<void> clear_shard(state_db& db, shard_id shard);

} // namespace callboard
