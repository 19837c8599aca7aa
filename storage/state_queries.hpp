#pragma once

#include "actors/model/query.hpp"
#include "storage/state_db.hpp"
#include "storage/state_keys.hpp"
#include "storage/state_rows.hpp"
#include "storage/state_store.hpp"

#include <string>
#include <string_view>

/// The JSON documents that clients ask for, each from one view. See
/// state_store::answer(); the contract says what each holds.
namespace callboard::queries {

using placement = state_store::placement;

/// A page may end before its limit when it has this many bytes.
constexpr std::size_t max_page_bytes = 8u << 20;

result<std::string> answer(const state_view& at, const query::any& q,
                           const placement& shard_of);

// state_run_list.cpp
result<std::string> list_runs(const state_view& at, const query::list_runs& q,
                              shard_id shard);
// state_run_detail.cpp
result<std::string> run_detail(const state_view& at, const query::run_detail& q,
                               shard_id shard);
// state_run_pages.cpp
result<std::string> run_page(const state_view& at, const query::run_page& q,
                             shard_id shard);
// state_run_log.cpp
result<std::string> run_log(const state_view& at, const query::run_page& q,
                            shard_id shard);
// state_run_phases.cpp
result<std::string> run_phases(const state_view& at, const query::run_phases& q,
                               shard_id shard);
// state_run_pages.cpp
result<std::string> room_events(const state_view& at,
                                const query::room_events& q, shard_id shard);
// state_catalog.cpp
result<std::string> list_definitions(const state_view& at,
                                     const query::list_definitions& q,
                                     shard_id shard);
result<std::string> definition(const state_view& at, const query::definition& q,
                               shard_id shard);
result<std::string> list_projects(const state_view& at,
                                  const query::list_projects& q,
                                  const placement& shard_of);
result<std::string> find_run(const state_view& at, const query::find_run& q);

// --- shared by several
// --------------------------------------------------------

/// errc::not_found if there is no such run.
result<void> check_run(const state_view& at, shard_id shard,
                       keys::room_ref room, std::string_view run);

/// The fields of a definition; nullopt if there is none.
result<std::optional<field_map>> definition_fields(const state_view& at,
                                                   shard_id shard,
                                                   keys::room_ref room,
                                                   std::string_view id);

/// `workflow_definition` of a run: `{"name":…,"phases":…}` from its definition,
/// or from `workflow_name` where there is none, or null.
std::string workflow_definition(const std::optional<field_map>& definition,
                                std::string_view workflow_name);

/// The body of a timeline event with `seq` added, if it has no such member.
void append_event(std::string& out, event_seq seq, std::string_view body);

/// Ends a page that began with `{"items":[`.
void end_page(std::string& out, std::string_view next_cursor);

} // namespace callboard::queries
