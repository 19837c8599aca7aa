#include "storage/log_format.hpp"
#include "storage/log_store_impl.hpp"
#include "storage/open_database.hpp"
#include "storage/shared_memory.hpp"

#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>

#include <algorithm>
#include <charconv>

namespace callboard {

namespace {

/// Tuned for a log: written once, in order; read at start; forgotten from the
/// front soon. What is trimmed while it is still in the write buffer never
/// costs more than its place in the write-ahead log, so the buffer is bigger
/// than what is kept between two flushes of the state.
rocksdb::Options log_options(const storage_options& opts) {
  rocksdb::Options out;
  out.create_if_missing = true;
  if (opts.env != nullptr)
    out.env = opts.env;
  // A torn or overwritten tail opens as the prefix before it.
  out.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  out.write_buffer_manager = opts.write_buffers;
  out.write_buffer_size
    = std::max<std::size_t>(opts.flush_after_log_bytes / 2 * 3, 1u << 20);
  out.max_write_buffer_number = 3;
  out.compression = rocksdb::kNoCompression;
  out.level0_file_num_compaction_trigger = 8;
  out.level0_slowdown_writes_trigger = 40;
  out.level0_stop_writes_trigger = 60;
  out.max_background_jobs = std::max(2, opts.background_threads);
  out.max_file_opening_threads = opts.opening_threads;
  // RocksDB would reserve the size of the write buffer for every write-ahead
  // log: on a small disk there would be "no space" with nothing on it.
  out.allow_fallocate = false;
  // One thread writes.
  out.allow_concurrent_memtable_write = false;
  out.enable_write_thread_adaptive_yield = false;
  out.stats_dump_period_sec = 0;
  out.stats_persist_period_sec = 0;
  survive_full_disk(out);
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = opts.block_cache;
  table.block_size = 64u << 10; // read in long stretches only
  table.format_version = 5;
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

/// Writes the format's version into a new store, or checks it.
result<void> check_version(rocksdb::DB& db, const std::filesystem::path& dir) {
  const auto key = log_format::version_key();
  const auto known = std::to_string(log_format::version);
  std::string found;
  auto status = db.Get({}, key, &found);
  if (status.ok()) {
    auto number = decimal(found);
    if (!number || *number > log_format::version)
      return tl::unexpected{newer_format(dir, found, known)};
    return {};
  }
  if (!status.IsNotFound())
    return tl::unexpected{open_failure(status, dir)};
  std::unique_ptr<rocksdb::Iterator> anything{db.NewIterator({})};
  anything->SeekToFirst();
  if (anything->Valid())
    return fail(errc::conflict, "\"" + dir.string()
                                  + "\" holds something else than a log of "
                                    "Callboard; give another data folder");
  rocksdb::WriteOptions durable;
  durable.sync = true;
  status = db.Put(durable, key, known);
  if (!status.ok())
    return tl::unexpected{open_failure(status, dir)};
  return {};
}

} // namespace

result<std::unique_ptr<log_store>>
log_store::open(const storage_options& opts) {
  auto x = std::make_unique<impl>();
  x->dir = opts.dir / "log";
  if (auto made = make_database_folder(x->dir); !made)
    return tl::unexpected{made.error()};
  rocksdb::DB* raw = nullptr;
  auto status
    = rocksdb::DB::Open(log_options(share_memory(opts)), x->dir.string(), &raw);
  x->db.reset(raw);
  if (!status.ok())
    return tl::unexpected{open_failure(status, x->dir)};
  if (auto checked = check_version(*x->db, x->dir); !checked)
    return tl::unexpected{checked.error()};
  leave_something_to_flush(*x->db);
  return std::unique_ptr<log_store>{new log_store{std::move(x)}};
}

} // namespace callboard
