#include "storage/shard_scan.hpp"
#include "storage/state_chunk.hpp"
#include "storage/state_keys.hpp"
#include "storage/state_moves.hpp"

#include <rocksdb/sst_file_writer.h>

#include <optional>
#include <utility>

namespace callboard {

namespace {

/// One file of sorted rows has about so many bytes, as RocksDB's own have.
constexpr std::uint64_t file_bytes = 64u << 20;

constexpr std::string_view doing = "staging a shard's state";

/// Writes rows into files, one at a time. Its memory is that of one file's
/// index and filter.
class row_files {
public:
  row_files(const state_db& db, std::string folder)
      : db_{db}, folder_{std::move(folder)} {
    // nop
  }

  result<void> put(family in, std::string_view key, std::string_view value) {
    if (writer_ && (in != in_ || writer_->FileSize() >= file_bytes))
      if (auto done = close(); !done)
        return done;
    if (!writer_)
      if (auto done = open(in); !done)
        return done;
    if (auto status = writer_->Put(slice(key), slice(value)); !status.ok())
      return storage_problem(status, doing);
    return {};
  }

  /// Ends and syncs the file under way.
  result<void> close() {
    if (!writer_)
      return {};
    rocksdb::ExternalSstFileInfo info;
    auto status = writer_->Finish(&info);
    writer_.reset();
    if (!status.ok())
      return storage_problem(status, doing);
    written_.back().bytes = info.file_size;
    return {};
  }

  void abandon() {
    writer_.reset();
  }

  std::vector<staged_manifest::file> take() {
    return std::move(written_);
  }

private:
  result<void> open(family in) {
    in_ = in;
    auto name = std::string{name_of(in)} + '-'
                + std::to_string(written_.size() + 1) + ".sst";
    writer_.emplace(rocksdb::EnvOptions{}, db_.db().GetOptions(db_.handle(in)),
                    db_.handle(in));
    if (auto status = writer_->Open(folder_ + '/' + name); !status.ok())
      return storage_problem(status, doing);
    written_.push_back({std::move(name), 0});
    return {};
  }

  const state_db& db_;
  const std::string folder_;
  family in_ = family::meta;
  std::optional<rocksdb::SstFileWriter> writer_;
  std::vector<staged_manifest::file> written_;
};

class incoming_state final : public state_import {
public:
  incoming_state(const state_db& db, staging_area& staging, shard_id shard,
                 stream_id stream, std::shared_ptr<staging_claim> claim)
      : staging_{staging}, shard_{shard}, stream_{stream}, claim_{std::move(
                                                             claim)},
        files_{db, staging.folder(shard, stream)}, key_{keys::shard(shard)} {
    // nop
  }

  ~incoming_state() override {
    const std::lock_guard guard{claim_->mutex};
    files_.abandon();
    if (!claim_->void_ && !finished_)
      (void)staging_.drop_folder(staging_.folder(shard_, stream_));
  }

  result<void> add(std::string_view chunk) override {
    return guarded([&] { return add_rows(chunk); });
  }

  result<void> finish() override {
    return guarded([&] { return complete(); });
  }

private:
  /// After the first error everything fails as it did.
  template <class Call>
  result<void> guarded(Call call) {
    const std::lock_guard guard{claim_->mutex};
    if (claim_->void_)
      return fail(errc::conflict, "another state of shard "
                                    + std::to_string(shard_.value)
                                    + " took this one's place");
    if (failure_)
      return tl::unexpected{*failure_};
    auto done = call();
    if (!done)
      failure_ = done.error();
    return done;
  }

  tl::unexpected<problem> invalid(std::string_view what) const {
    return fail(errc::invalid, "the state of shard "
                                 + std::to_string(shard_.value) + ' '
                                 + std::string{what});
  }

  result<void> add_rows(std::string_view chunk) {
    auto in = chunk_reader::open(chunk);
    if (!in)
      return tl::unexpected{in.error()};
    if (in->shard() != shard_)
      return invalid("comes with a chunk of another shard");
    if (in->number() != next_ || ended_)
      return invalid("comes with its chunks out of order");
    ++next_;
    chunk_reader::row row;
    while (in->next(row))
      if (auto done = add_row(row); !done)
        return done;
    if (!in->ok())
      return invalid("comes with a chunk that cannot be read");
    if (!in->end())
      return {};
    ended_ = true;
    if (*in->end() != state_end{count_, digest_.value()})
      return invalid("is not the one that was sent");
    return {};
  }

  result<void> add_row(const chunk_reader::row& row) {
    const auto last = std::string_view{key_}.substr(shard_bytes);
    if (count_ > 0 && (row.in < in_ || (row.in == in_ && row.key <= last)))
      return invalid("comes with its rows out of order");
    in_ = row.in;
    key_.resize(shard_bytes);
    key_.append(row.key);
    digest_.add(row.in, row.key, row.value);
    ++count_;
    return files_.put(row.in, key_, row.value);
  }

  result<void> complete() {
    if (finished_)
      return {};
    if (!ended_)
      return invalid("ended too early");
    if (auto done = files_.close(); !done)
      return done;
    if (auto done = staging_.complete({shard_, stream_, files_.take()}); !done)
      return done;
    finished_ = true;
    return {};
  }

  static constexpr std::size_t shard_bytes = 2;

  staging_area& staging_;
  const shard_id shard_;
  const stream_id stream_;
  const std::shared_ptr<staging_claim> claim_;
  row_files files_;
  row_digest digest_;
  family in_ = family::events; ///< Of the last row.
  std::string key_;            ///< Likewise.
  std::uint64_t count_ = 0;
  std::uint32_t next_ = 0;
  bool ended_ = false;
  bool finished_ = false;
  std::optional<problem> failure_;
};

} // namespace

result<std::unique_ptr<state_import>> stage_state(const state_db& db,
                                                  staging_area& staging,
                                                  shard_id shard,
                                                  stream_id stream) {
  auto claim = staging.begin(shard, stream);
  if (!claim)
    return tl::unexpected{claim.error()};
  return std::make_unique<incoming_state>(db, staging, shard, stream,
                                          std::move(*claim));
}

} // namespace callboard
