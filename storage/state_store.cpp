#include "storage/state_store.hpp"

#include "actors/model/cluster_map.hpp"
#include "storage/open_database.hpp"
#include "storage/shard_scan.hpp"
#include "storage/staging_area.hpp"
#include "storage/state_fold.hpp"
#include "storage/state_moves.hpp"
#include "storage/state_queries.hpp"
#include "storage/state_reads.hpp"
#include "storage/state_statistics.hpp"

#include <rocksdb/write_batch.h>

namespace callboard {

struct state_store::impl {
  std::unique_ptr<state_db> db;
  std::unique_ptr<staging_area> staging;
};

state_store::state_store(std::unique_ptr<impl> x) : impl_{std::move(x)} {
  // nop
}

state_store::~state_store() = default;

result<std::unique_ptr<state_store>>
state_store::open(const storage_options& opts, std::uint32_t shards) {
  auto db = state_db::open(opts, shards);
  if (!db)
    return tl::unexpected{db.error()};
  auto x = std::make_unique<impl>();
  x->db = std::move(*db);
  x->staging = std::make_unique<staging_area>(
    *x->db->db().GetEnv(), x->db->db().GetName() + "-staging");
  return std::unique_ptr<state_store>{new state_store{std::move(x)}};
}

result<log_index> state_store::applied(shard_id shard) const {
  auto& db = *impl_->db;
  rocksdb::PinnableSlice value;
  auto status = db.db().Get({}, db.handle(family::rows),
                            slice(keys::applied(shard)), &value);
  if (status.IsNotFound())
    return log_index{};
  if (!status.ok())
    return storage_problem(status, "reading the applied index");
  auto number = rows::decode_number(view(value));
  if (!number)
    return tl::unexpected{number.error()};
  return log_index{*number};
}

result<void> state_store::apply(shard_id shard, log_index upto,
                                std::span<const std::string_view> payloads) {
  auto& db = *impl_->db;
  std::size_t bytes = 0;
  for (auto payload : payloads)
    bytes += payload.size();
  rocksdb::WriteBatch batch{bytes + bytes / 2 + 256};
  state_fold fold{db, shard, batch};
  for (auto payload : payloads)
    if (auto added = fold.add(payload); !added)
      return added;
  fold.finish();
  batch.Put(db.handle(family::rows), slice(keys::applied(shard)),
            rows::encode_number(upto.value));
  rocksdb::WriteOptions unlogged;
  unlogged.disableWAL = true; // the Raft log is the log
  if (auto status = db.db().Write(unlogged, &batch); !status.ok())
    return storage_problem(status, "applying log entries");
  return {};
}

result<void> state_store::flush() {
  return impl_->db->flush();
}

void state_store::resume() {
  impl_->db->resume();
}

result<std::unique_ptr<state_export>> state_store::pin(shard_id shard) const {
  return pin_state(*impl_->db, shard);
}

result<std::unique_ptr<state_import>> state_store::stage(shard_id shard,
                                                         stream_id stream) {
  return stage_state(*impl_->db, *impl_->staging, shard, stream);
}

result<void> state_store::install(shard_id shard, stream_id stream) {
  return install_state(*impl_->db, *impl_->staging, shard, stream);
}

result<void> state_store::drop_staged(shard_id shard) {
  return impl_->staging->drop(shard);
}

result<void>
state_store::drop_staged_except(std::span<const staged_state> keep) {
  return impl_->staging->drop_except(keep);
}

result<void> state_store::wipe(shard_id shard) {
  if (auto dropped = impl_->staging->drop(shard); !dropped)
    return dropped;
  return clear_shard(*impl_->db, shard);
}

result<std::optional<run_brief>>
state_store::load_run(shard_id shard, const room_key& room,
                      const run_id& run) const {
  return reads::brief(state_view{*impl_->db}, shard, keys::ref(room),
                      run.value);
}

result<room_brief> state_store::load_room(shard_id shard,
                                          const room_key& room) const {
  state_view at{*impl_->db};
  auto found = reads::room(at, shard, keys::ref(room));
  if (!found)
    return tl::unexpected{found.error()};
  auto names = reads::definition_names(at, shard, keys::ref(room));
  if (!names)
    return tl::unexpected{names.error()};
  auto row = found->value_or(rows::room{});
  return room_brief{row.head, row.oldest, row.epoch, std::move(*names)};
}

result<std::optional<event_seq>>
state_store::find_event(shard_id shard, const room_key& room, const run_id& run,
                        std::string_view id) const {
  return reads::find_event(state_view{*impl_->db}, shard, keys::ref(room),
                           run.value, id);
}

result<std::string> state_store::retry_fields(shard_id shard,
                                              const room_key& room,
                                              const run_id& run) const {
  return reads::retry_fields(state_view{*impl_->db}, shard, keys::ref(room),
                             run.value);
}

result<queue_page> state_store::queued_runs(shard_id shard,
                                            const room_key& room,
                                            std::string_view queue,
                                            std::size_t limit) const {
  return reads::queued_runs(state_view{*impl_->db}, shard, keys::ref(room),
                            queue, limit);
}

result<std::vector<leased_run>> state_store::leased_runs(shard_id shard) const {
  return reads::leased_runs(state_view{*impl_->db}, shard);
}

result<history_chunk>
state_store::history(shard_id shard, const history_request& request) const {
  return reads::history(state_view{*impl_->db}, shard, request);
}

result<std::string> state_store::answer(const query::any& q,
                                        const placement& shard_of) const {
  state_view at{*impl_->db};
  return queries::answer(at, q, shard_of);
}

result<std::string> state_store::cluster_map_bytes() const {
  auto& db = *impl_->db;
  std::string out;
  auto status = db.db().Get({}, db.handle(family::rows),
                            slice(keys::cluster_map(directory_shard)), &out);
  if (!status.ok() && !status.IsNotFound())
    return storage_problem(status, "reading the cluster map");
  return out;
}

std::string state_store::statistics() const {
  return state_statistics(*impl_->db);
}

result<std::string>
state_store::room_statistics(const tenant_id& tenant) const {
  return callboard::room_statistics(state_view{*impl_->db}, tenant);
}

std::uint64_t state_store::disk_bytes() const {
  return state_disk_bytes(*impl_->db);
}

result<std::uint64_t> state_store::digest(shard_id shard) const {
  return state_digest(state_view{*impl_->db}, shard);
}

} // namespace callboard
