#include "storage/shard_scan.hpp"
#include "storage/state_keys.hpp"
#include "storage/state_moves.hpp"

#include <rocksdb/sst_file_reader.h>
#include <rocksdb/write_batch.h>

#include <vector>

namespace callboard {

namespace {

/// RocksDB moves the files that it takes in; it gets links, so that the staged
/// state stays whole until it is dropped.
constexpr std::string_view link_suffix = ".link";

constexpr std::size_t batch_bytes = 1u << 20;
constexpr std::string_view installing = "installing the state of a shard";

rocksdb::IngestExternalFileOptions ingest_options() {
  rocksdb::IngestExternalFileOptions out;
  out.move_files = true;
  out.failed_move_fall_back_to_copy = true;
  out.write_global_seqno = false; // the staged file shares the bytes
  out.verify_checksums_before_ingest = true;
  return out;
}

result<bool> has_rows(const state_db& db, shard_id shard) {
  const state_view at{db};
  const shard_scan scan{at, shard, {}, 0};
  if (auto done = scan.check(); !done)
    return tl::unexpected{done.error()};
  return scan.valid();
}

std::optional<family> family_of(std::string_view file) {
  for (auto f : shard_families)
    if (file.starts_with(std::string{name_of(f)} + '-'))
      return f;
  return std::nullopt;
}

rocksdb::Status link_fresh(rocksdb::Env& env, const std::string& from,
                           const std::string& to) {
  if (env.FileExists(to).ok()) // of an earlier try
    if (auto status = env.DeleteFile(to); !status.ok())
      return status;
  return env.LinkFile(from, to);
}

result<std::vector<rocksdb::IngestExternalFileArg>>
link_files(const state_db& db, const std::string& folder,
           const staged_manifest& staged) {
  std::vector<rocksdb::IngestExternalFileArg> out;
  for (auto f : shard_families) {
    rocksdb::IngestExternalFileArg arg;
    arg.column_family = db.handle(f);
    arg.options = ingest_options();
    for (auto& file : staged.files) {
      if (family_of(file.name) != f)
        continue;
      const auto from = folder + '/' + file.name;
      const auto to = from + std::string{link_suffix};
      auto status = link_fresh(*db.db().GetEnv(), from, to);
      if (!status.ok())
        return storage_problem(status, "linking the files of a staged state");
      arg.external_files.push_back(to);
    }
    if (!arg.external_files.empty())
      out.push_back(std::move(arg));
  }
  return out;
}

/// The slow way: the staged rows are written like any others. Part of them may
/// be seen before all are there, what finds rows after the rows.
result<void> write_rows(const state_db& db, family f, const std::string& file) {
  rocksdb::SstFileReader in{db.db().GetOptions(db.handle(f))};
  if (auto status = in.Open(file); !status.ok())
    return storage_problem(status, installing);
  rocksdb::ReadOptions options;
  options.readahead_size = 1u << 20;
  std::unique_ptr<rocksdb::Iterator> row{in.NewIterator(options)};
  rocksdb::WriteOptions unlogged;
  unlogged.disableWAL = true;
  rocksdb::WriteBatch batch;
  for (row->SeekToFirst(); row->Valid();) {
    batch.Put(db.handle(f), row->key(), row->value());
    row->Next();
    if (row->Valid() && batch.GetDataSize() < batch_bytes)
      continue;
    if (auto status = db.db().Write(unlogged, &batch); !status.ok())
      return storage_problem(status, installing);
    batch.Clear();
  }
  if (!row->status().ok())
    return storage_problem(row->status(), installing);
  return {};
}

result<void> write_files(const state_db& db, const std::string& folder,
                         const staged_manifest& staged) {
  for (auto f : shard_families)
    for (auto& file : staged.files)
      if (family_of(file.name) == f)
        if (auto done = write_rows(db, f, folder + '/' + file.name); !done)
          return done;
  return db.flush();
}

} // namespace

result<void> clear_shard(state_db& db, shard_id shard) {
  auto found = has_rows(db, shard);
  if (!found)
    return tl::unexpected{found.error()};
  if (*found) {
    rocksdb::WriteBatch batch;
    const auto begin = keys::shard(shard);
    const auto end = keys::behind_shard(shard);
    for (auto f : shard_families)
      batch.DeleteRange(db.handle(f), slice(begin), slice(end));
    rocksdb::WriteOptions unlogged;
    unlogged.disableWAL = true;
    if (auto status = db.db().Write(unlogged, &batch); !status.ok())
      return storage_problem(status, "dropping the rows of a shard");
  }
  // Also if nothing is found: an earlier call may have failed here.
  if (auto flushed = db.flush(); !flushed)
    return flushed;
  return db.reclaim(shard,
                    *found ? reclaim_effort::thorough : reclaim_effort::light);
}

/// First the old rows go, durably; then the new ones come, at once and durably.
/// A crash in between leaves an empty shard and the staged state.
result<void> install_state(state_db& db, staging_area& staging, shard_id shard,
                           stream_id stream) {
  auto staged = staging.find(shard, stream);
  if (!staged)
    return tl::unexpected{staged.error()};
  if (auto cleared = clear_shard(db, shard); !cleared)
    return cleared;
  const auto folder = staging.folder(shard, stream);
  auto files = link_files(db, folder, *staged);
  if (!files)
    return tl::unexpected{files.error()};
  auto ingested = db.ingest(*files);
  if (!ingested)
    return tl::unexpected{ingested.error()};
  return *ingested ? result<void>{} : write_files(db, folder, *staged);
}

} // namespace callboard
