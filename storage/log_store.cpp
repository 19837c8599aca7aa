#include "storage/log_store.hpp"

#include "storage/log_format.hpp"
#include "storage/log_store_impl.hpp"
#include "storage/open_database.hpp"

#include <rocksdb/env.h>

#include <array>
#include <system_error>

namespace callboard {

namespace {

/// Longer ranges are deleted by one range tombstone, which every later read has
/// to look at; shorter ones key by key, which leaves nothing behind.
constexpr std::uint64_t long_range = 8192;

rocksdb::Slice slice(std::string_view x) {
  return {x.data(), x.size()};
}

void erase_range(rocksdb::WriteBatch& out, shard_id shard, log_index from,
                 log_index last) {
  if (from > last)
    return;
  if (last.value - from.value >= long_range) {
    const log_format::key begin{shard, from};
    const log_format::key end{shard, next(last)};
    out.DeleteRange(slice(begin.view()), slice(end.view()));
    return;
  }
  for (auto i = from; i <= last; i = next(i))
    out.Delete(slice(log_format::key{shard, i}.view()));
}

} // namespace

// --- batch
// --------------------------------------------------------------------

log_store::batch::batch() : impl_{std::make_unique<impl>()} {
  // nop
}

log_store::batch::~batch() = default;
log_store::batch::batch(batch&&) noexcept = default;
log_store::batch& log_store::batch::operator=(batch&&) noexcept = default;

void log_store::batch::put_hard_state(shard_id shard, const hard_state& x) {
  const log_format::key key{shard, log_format::tag::hard_state};
  impl_->operations.Put(slice(key.view()), log_format::encode(x));
}

void log_store::batch::erase(shard_id shard, log_index from, log_index last) {
  erase_range(impl_->operations, shard, from, last);
}

void log_store::batch::append(shard_id shard, const log_entry& entry) {
  const log_format::key key{shard, entry.index};
  const auto head = log_format::encode_head(entry.term, entry.kind);
  const auto key_part = slice(key.view());
  const std::array value_parts{rocksdb::Slice{head.bytes.data(), head.size},
                               slice(entry.payload)};
  impl_->operations.Put(rocksdb::SliceParts{&key_part, 1},
                        rocksdb::SliceParts{value_parts.data(), 2});
}

void log_store::batch::install(shard_id shard, const state_descriptor& state) {
  auto& out = impl_->operations;
  const log_format::key first{shard, log_index{0}};
  const log_format::key end{shard, log_format::tag{'e' + 1}};
  out.DeleteRange(slice(first.view()), slice(end.view()));
  const log_format::key trim{shard, log_format::tag::trim};
  out.Put(slice(trim.view()),
          log_format::encode(log_format::trim_record{state.index, state.term,
                                                     state.configuration_index,
                                                     state.configuration}));
  const log_format::key install{shard, log_format::tag::install};
  out.Put(slice(install.view()), log_format::encode(state.stream));
  impl_->replaces = true;
}

void log_store::batch::installed(shard_id shard) {
  const log_format::key install{shard, log_format::tag::install};
  impl_->operations.Delete(slice(install.view()));
}

void log_store::batch::wipe(shard_id shard, const log_position& end_of_log) {
  auto& out = impl_->operations;
  const log_format::key first{shard, log_index{0}};
  const log_format::key end{shard, log_format::tag{'e' + 1}};
  out.DeleteRange(slice(first.view()), slice(end.view()));
  for (auto tag : {log_format::tag::trim, log_format::tag::install})
    out.Delete(slice(log_format::key{shard, tag}.view()));
  const log_format::key wiped{shard, log_format::tag::wiped};
  out.Put(slice(wiped.view()), log_format::encode(end_of_log));
  impl_->replaces = true;
}

void log_store::batch::clear() {
  impl_->operations.Clear();
  impl_->replaces = false;
}

bool log_store::batch::empty() const noexcept {
  return impl_->operations.Count() == 0;
}

std::size_t log_store::batch::bytes() const noexcept {
  return impl_->operations.GetDataSize();
}

// --- store
// --------------------------------------------------------------------

log_store::log_store(std::unique_ptr<impl> x) : impl_{std::move(x)} {
  // nop
}

log_store::~log_store() = default;

result<stream_id> log_store::unfinished_install(shard_id shard) const {
  const log_format::key key{shard, log_format::tag::install};
  std::string found;
  auto status = impl_->db->Get({}, slice(key.view()), &found);
  if (status.IsNotFound())
    return stream_id{};
  if (status.ok())
    if (auto stream = log_format::decode_stream(found))
      return *stream;
  return fail(errc::internal, "the log in \"" + impl_->dir.string()
                                + "\" does not say whether shard "
                                + std::to_string(shard.value)
                                + " has its state (" + status.ToString()
                                + "); restore the node's data from a backup");
}

write_outcome log_store::write(batch& b, std::string& error) {
  std::unique_lock guard{impl_->trim_mutex, std::defer_lock};
  if (b.impl_->replaces)
    guard.lock();
  rocksdb::WriteOptions durable;
  durable.sync = true;
  auto status = impl_->db->Write(durable, &b.impl_->operations);
  if (status.ok())
    return write_outcome::durable;
  error = status.ToString();
  return means_no_space(status)
             && status.severity() < rocksdb::Status::kFatalError
           ? write_outcome::no_space
           : write_outcome::failed;
}

result<void> log_store::trim(shard_id shard, log_index upto,
                             raft_term term_at_upto,
                             log_index configuration_index,
                             std::string_view configuration) {
  const std::lock_guard guard{impl_->trim_mutex};
  const log_format::key key{shard, log_format::tag::trim};
  log_index first{1};
  std::string found;
  if (impl_->db->Get({}, slice(key.view()), &found).ok())
    if (auto old = log_format::decode_trim(found))
      first = next(old->upto);
  rocksdb::PinnableSlice last;
  const log_format::key last_key{shard, upto};
  if (upto < first
      || impl_->db
           ->Get({}, impl_->db->DefaultColumnFamily(), slice(last_key.view()),
                 &last)
           .IsNotFound())
    return {};
  rocksdb::WriteBatch operations;
  erase_range(operations, shard, first, upto);
  operations.Put(slice(key.view()), log_format::encode(log_format::trim_record{
                                      upto, term_at_upto, configuration_index,
                                      std::string{configuration}}));
  auto status = impl_->db->Write({}, &operations);
  if (status.ok())
    return {};
  return fail(means_no_space(status) ? errc::unavailable : errc::internal,
              "cannot trim the log in \"" + impl_->dir.string()
                + "\"; it is tried again later (" + status.ToString() + ")");
}

void log_store::resume() {
  resume_database(*impl_->db, impl_->dir);
  leave_something_to_flush(*impl_->db); // refused if nothing was resumed
}

std::uint64_t log_store::disk_bytes() const {
  std::uint64_t result = 0;
  std::error_code error;
  for (const auto& file :
       std::filesystem::directory_iterator{impl_->dir, error}) {
    std::error_code gone; // files come and go meanwhile
    const auto size = file.file_size(gone);
    if (!gone)
      result += size;
  }
  return result;
}

} // namespace callboard
