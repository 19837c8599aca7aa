#pragma once

#include "actors/model/query.hpp"
#include "actors/model/run_machine.hpp"
#include "storage/entry.hpp"
#include "storage/state_db.hpp"
#include "storage/state_keys.hpp"
#include "storage/state_rows.hpp"
#include "storage/state_store.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Reads that actors need, each from one view. See state_store.
namespace callboard::reads {

result<std::optional<rows::room>> room(const state_view& at, shard_id shard,
                                       keys::room_ref room);

result<std::optional<rows::run>> run_header(const state_view& at,
                                            shard_id shard, keys::room_ref room,
                                            std::string_view run);

/// The raw value of a field, fetched where it is stored apart; "" if unset.
/// `step` is empty for the run's own fields.
result<std::string> field(const state_view& at, shard_id shard,
                          keys::room_ref room, std::string_view run,
                          std::string_view step, const field_map& fields,
                          std::string_view key);

result<std::optional<run_brief>> brief(const state_view& at, shard_id shard,
                                       keys::room_ref room,
                                       std::string_view run);

/// Raw names of a room's definitions, as many as a room keeps.
result<std::vector<std::pair<definition_id, std::string>>>
definition_names(const state_view& at, shard_id shard, keys::room_ref room);

result<std::optional<event_seq>> find_event(const state_view& at,
                                            shard_id shard, keys::room_ref room,
                                            std::string_view run,
                                            std::string_view id);

result<std::string> retry_fields(const state_view& at, shard_id shard,
                                 keys::room_ref room, std::string_view run);

result<queue_page> queued_runs(const state_view& at, shard_id shard,
                               keys::room_ref room, std::string_view queue,
                               std::size_t limit);

result<std::vector<leased_run>> leased_runs(const state_view& at,
                                            shard_id shard);

/// A stored event as viewers get it.
posted_event posted(event_seq seq, const record_view& event);

result<history_chunk> history(const state_view& at, shard_id shard,
                              const history_request& request);

} // namespace callboard::reads
