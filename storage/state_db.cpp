#include "storage/state_db.hpp"

#include "storage/open_database.hpp"
#include "storage/shared_memory.hpp"
#include "storage/state_keys.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/table_properties_collectors.h>
#include <rocksdb/write_buffer_manager.h>

#include <algorithm>
#include <charconv>
#include <system_error>

namespace callboard {

namespace {

/// 2: records with facts, tallies and steps with their story. 3: the node may
/// be in a cluster, whose map is kept here, and shards may come from other
/// nodes; an older program would take its replicas for groups of one. What
/// stands in a store of an older format is read as it is.
constexpr std::uint64_t store_format = 3;

/// For one flush, on the slowest of disks.
constexpr std::chrono::seconds flush_limit{120};
constexpr std::string_view format_key = "format";
constexpr std::string_view shards_key = "shards";
constexpr std::string_view ingested_key = "ingested"; // of no meaning

constexpr std::array<const char*, 4> family_names{"default", "events", "rows",
                                                  "index"};

rocksdb::DBOptions database_options(const storage_options& opts) {
  rocksdb::DBOptions out;
  out.create_if_missing = true;
  out.create_missing_column_families = true;
  if (opts.env != nullptr)
    out.env = opts.env;
  // Without a write-ahead log, what is on the disk must be one moment of all
  // column families.
  out.atomic_flush = true;
  out.write_buffer_manager = opts.write_buffers;
  out.max_background_jobs = std::max(2, opts.background_threads);
  out.max_file_opening_threads = opts.opening_threads;
  out.bytes_per_sync = 1u << 20;
  // Entries are applied by one thread at a time per shard, in big batches:
  // ordered inserts with a hint are worth more than concurrent ones.
  out.allow_concurrent_memtable_write = false;
  out.enable_write_thread_adaptive_yield = false;
  out.max_bgerror_resume_count = 0;
  // RocksDB would reserve whole files ahead: "no space" with nothing written.
  out.allow_fallocate = false;
  out.stats_dump_period_sec = 0;
  out.stats_persist_period_sec = 0;
  survive_full_disk(out);
  out.max_open_files = 512;
  return out;
}

rocksdb::BlockBasedTableOptions table_options(const storage_options& opts) {
  rocksdb::BlockBasedTableOptions out;
  out.block_cache = opts.block_cache;
  out.block_size = 8u << 10;
  out.format_version = 5;
  // Counted against the cache, so that memory has one bound.
  out.cache_index_and_filter_blocks = true;
  out.pin_l0_filter_and_index_blocks_in_cache = true;
  return out;
}

rocksdb::ColumnFamilyOptions family_options(const storage_options& opts,
                                            family f) {
  rocksdb::ColumnFamilyOptions out;
  auto table = table_options(opts);
  out.write_buffer_size
    = std::max<std::size_t>(opts.flush_after_log_bytes, 1u << 20);
  out.max_write_buffer_number = 4;
  out.level_compaction_dynamic_level_bytes = true;
  out.compression = rocksdb::kLZ4Compression;
  // Fewer, larger merges: on a busy node they cost a fifth of the CPU with
  // RocksDB's defaults (4 files, 256 MiB), and half of that with these.
  out.level0_file_num_compaction_trigger = 8;
  out.level0_slowdown_writes_trigger = 40;
  out.level0_stop_writes_trigger = 60;
  out.max_bytes_for_level_base = 1u << 30;
  switch (f) {
  case family::meta:
    out.write_buffer_size = 64u << 10;
    break;
  case family::events:
    table.block_size = 32u << 10; // read in long stretches
    break;
  case family::rows:
  case family::index:
    // Most look-ups are for what is new: ids, steps, runs.
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    out.memtable_whole_key_filtering = true;
    out.memtable_prefix_bloom_size_ratio = 0.05;
    out.table_properties_collector_factories.push_back(
      rocksdb::NewCompactOnDeletionCollectorFactory(4096, 2048));
    break;
  }
  out.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return out;
}

std::optional<std::uint64_t> decimal(std::string_view text) {
  std::uint64_t out = 0;
  auto [end, error]
    = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return out;
}

tl::unexpected<problem> newer(const std::filesystem::path& dir,
                              const std::string& found) {
  return tl::unexpected{newer_format(dir, found, std::to_string(store_format))};
}

} // namespace

std::string_view name_of(family f) noexcept {
  return family_names[static_cast<std::size_t>(f)];
}

tl::unexpected<problem> storage_problem(const rocksdb::Status& status,
                                        std::string_view doing) {
  auto text = std::string{doing} + ": " + status.ToString();
  if (!status.IsIOError() && !status.IsTimedOut() && !status.IsBusy()
      && !status.IsShutdownInProgress())
    return fail(errc::internal, std::move(text));
  auto out
    = fail(errc::unavailable,
           status.IsNoSpace() ? "the disk is full; " + text : std::move(text));
  out.value().retry_after = std::chrono::seconds{1};
  return out;
}

result<std::unique_ptr<state_db>> state_db::open(const storage_options& given,
                                                 std::uint32_t shards) {
  if (shards == 0 || shards > 65535)
    return fail(errc::invalid,
                std::to_string(shards) + " shards; there may be 1 to 65535");
  auto opts = share_memory(given);
  auto dir = opts.dir / "state";
  if (auto made = make_database_folder(dir); !made)
    return tl::unexpected{made.error()};
  auto path = dir.string();
  auto database = database_options(opts);
  std::vector<std::string> existing;
  // Fails for a store that is yet to be made; Open() tells real trouble.
  (void)rocksdb::DB::ListColumnFamilies(database, path, &existing);
  for (auto& name : existing)
    if (std::ranges::find(family_names, name) == family_names.end())
      return newer(dir, "with the part \"" + name + "\"");
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (std::size_t i = 0; i < family_names.size(); ++i)
    descriptors.emplace_back(family_names[i],
                             family_options(opts, static_cast<family>(i)));
  std::unique_ptr<state_db> out{new state_db};
  database.listeners.push_back(out->watch_);
  rocksdb::DB* raw = nullptr;
  auto status
    = rocksdb::DB::Open(database, path, descriptors, &out->handles_, &raw);
  out->db_.reset(raw);
  if (!status.ok())
    return tl::unexpected{open_failure(status, dir)};
  out->shards_ = shards;
  out->watch_->start(raw->GetLatestSequenceNumber());
  if (auto checked = out->check_format(path); !checked)
    return tl::unexpected{checked.error()};
  return out;
}

state_db::~state_db() {
  if (!db_)
    return;
  for (auto* handle : handles_)
    db_->DestroyColumnFamilyHandle(handle);
}

result<void> state_db::check_format(const std::string& path) {
  auto* meta = handle(family::meta);
  std::string format, shards;
  auto status = db_->Get({}, meta, slice(format_key), &format);
  if (status.IsNotFound()) {
    rocksdb::WriteOptions unlogged;
    unlogged.disableWAL = true;
    rocksdb::WriteBatch batch;
    batch.Put(meta, slice(format_key), std::to_string(store_format));
    batch.Put(meta, slice(shards_key), std::to_string(shards_));
    if (auto wrote = db_->Write(unlogged, &batch); !wrote.ok())
      return storage_problem(wrote, "creating \"" + path + "\"");
    return flush();
  }
  if (status.ok())
    status = db_->Get({}, meta, slice(shards_key), &shards);
  if (!status.ok())
    return storage_problem(status, "reading the format of \"" + path + "\"");
  auto number = decimal(format);
  if (!number || *number > store_format)
    return newer(path, format);
  if (shards != std::to_string(shards_))
    return fail(errc::conflict, "\"" + path + "\" was made with " + shards
                                  + " shards, the configuration says "
                                  + std::to_string(shards_)
                                  + "; the number is fixed when the store is "
                                    "made: set it back to "
                                  + shards);
  if (*number == store_format)
    return {};
  // An older program must not open what this one is going to write.
  rocksdb::WriteOptions unlogged;
  unlogged.disableWAL = true;
  status
    = db_->Put(unlogged, meta, slice(format_key), std::to_string(store_format));
  if (!status.ok())
    return storage_problem(status, "raising the format of \"" + path + "\"");
  return flush();
}

/// Ingested files are durable without a flush, but they use up a sequence
/// number, which flush() would wait for: something is written behind it.
result<void> state_db::write_behind_ingestion() const {
  if (!ingested_)
    return {};
  rocksdb::WriteOptions unlogged;
  unlogged.disableWAL = true;
  auto status
    = db_->Put(unlogged, handle(family::meta), slice(ingested_key), {});
  if (!status.ok())
    return storage_problem(status, "flushing the state store");
  ingested_ = false;
  return {};
}

result<void> state_db::flush() const {
  rocksdb::SequenceNumber target = 0;
  {
    const std::lock_guard guard{ingest_mutex_};
    if (auto ready = write_behind_ingestion(); !ready)
      return ready;
    target = db_->GetLatestSequenceNumber();
  }
  if (watch_->flushed(target))
    return {};
  rocksdb::FlushOptions how;
  how.wait = true;
  how.allow_write_stall
    = true; // waiting for compactions would only take longer
  for (std::chrono::milliseconds waited{0}; waited < flush_limit;
       waited += flush_patience) {
    const auto errors = watch_->errors();
    if (auto status = db_->Flush(how, handles_); !status.ok())
      return storage_problem(status, "flushing the state store");
    if (watch_->wait(target, errors, flush_patience))
      return {};
    if (watch_->errors() != errors)
      break;
  }
  return storage_problem(rocksdb::Status::IOError("the flush did not finish"),
                         "flushing the state store");
}

state_view::state_view(const state_db& db) : db_{db} {
  options_.snapshot = db.db().GetSnapshot();
}

state_view::~state_view() {
  db_.db().ReleaseSnapshot(options_.snapshot);
}

result<bool> state_view::get(family f, std::string_view key,
                             rocksdb::PinnableSlice& value) const {
  value.Reset();
  auto status = db_.db().Get(options_, db_.handle(f), slice(key), &value);
  if (status.ok())
    return true;
  if (status.IsNotFound())
    return false;
  return storage_problem(status, "reading the state store");
}

result<std::vector<rocksdb::PinnableSlice>>
state_view::get(family f, std::span<const std::string> keys) const {
  std::vector<rocksdb::Slice> slices(keys.begin(), keys.end());
  std::vector<rocksdb::PinnableSlice> values(keys.size());
  std::vector<rocksdb::Status> statuses(keys.size());
  db_.db().MultiGet(options_, db_.handle(f), keys.size(), slices.data(),
                    values.data(), statuses.data());
  for (auto& status : statuses)
    if (!status.ok() && !status.IsNotFound())
      return storage_problem(status, "reading the state store");
  return values;
}

key_scan::key_scan(const state_view& at, family f, std::string prefix)
    : prefix_{std::move(prefix)}, behind_{keys::behind(prefix_)},
      lower_{prefix_}, upper_{behind_} {
  auto options = at.options();
  options.iterate_lower_bound = &lower_;
  if (!behind_.empty()) // else nothing has greater keys
    options.iterate_upper_bound = &upper_;
  iterator_.reset(at.db().db().NewIterator(options, at.db().handle(f)));
}

void key_scan::seek(std::string_view suffix) {
  iterator_->Seek(slice(prefix_ + std::string{suffix}));
}

void key_scan::seek_before(std::string_view suffix) {
  iterator_->SeekForPrev(slice(prefix_ + std::string{suffix}));
}

result<void> key_scan::check() const {
  if (auto status = iterator_->status(); !status.ok())
    return storage_problem(status, "reading the state store");
  return {};
}

} // namespace callboard
