#include "storage/log_format.hpp"
#include "storage/log_store_impl.hpp"

#include <algorithm>
#include <cstring>

namespace callboard {

namespace {

constexpr std::size_t block_bytes = std::size_t{1} << 20;

rocksdb::Slice slice(std::string_view x) {
  return {x.data(), x.size()};
}

/// Puts payloads side by side into blocks, so that a long log is a few
/// allocations and each payload a slice of one.
class block_filler {
public:
  void fill(log_entry& entry, std::string_view payload) {
    if (!block_ || size_ + payload.size() > capacity_) {
      capacity_ = std::max(block_bytes, payload.size());
      block_ = std::make_shared<char[]>(capacity_);
      size_ = 0;
    }
    auto* begin = block_.get() + size_;
    std::copy(payload.begin(), payload.end(), begin);
    size_ += payload.size();
    entry.payload = {begin, payload.size()};
    entry.block = block_;
  }

private:
  std::shared_ptr<char[]> block_;
  std::size_t capacity_ = 0;
  std::size_t size_ = 0;
};

/// Reads one shard; every step answers what is wrong, or nothing.
class shard_reader {
public:
  shard_reader(rocksdb::DB& db, shard_id shard) : db_{db}, shard_{shard} {
    // nop
  }

  std::string read(log_index applied) {
    auto wrong = read_records();
    if (wrong.empty())
      wrong = read_entries();
    if (wrong.empty())
      wrong = check(applied);
    if (wrong.empty())
      set_snapshot(applied);
    return wrong;
  }

  restored_log found;

private:
  std::string read_records() {
    using namespace log_format;
    auto wrong = read_record(tag::hard_state, decode_hard_state, found.hard,
                             "its term and vote cannot be read");
    if (wrong.empty())
      wrong = read_record(tag::trim, decode_trim, trimmed_,
                          "the record of what was trimmed cannot be read");
    if (wrong.empty())
      wrong = read_record(
        tag::wiped, decode_position, found.dropped,
        "where the log of a dropped replica ended cannot be read");
    return wrong;
  }

  /// Leaves `out` as it is when there is no such record, or nothing in it.
  template <class T>
  std::string read_record(log_format::tag tag,
                          std::optional<T> (*decode)(std::string_view), T& out,
                          const char* unreadable) {
    std::string bytes;
    auto wrong = get(tag, bytes);
    if (!wrong.empty() || bytes.empty())
      return wrong;
    auto x = decode(bytes);
    if (!x)
      return unreadable;
    out = std::move(*x);
    return {};
  }

  /// Leaves `out` empty when there is no such record.
  std::string get(log_format::tag tag, std::string& out) {
    out.clear();
    auto status = db_.Get({}, slice(log_format::key{shard_, tag}.view()), &out);
    return status.ok() || status.IsNotFound() ? std::string{}
                                              : status.ToString();
  }

  std::string read_entries() {
    const log_format::key begin{shard_, log_index{0}};
    const log_format::key end{shard_, log_format::tag{'e' + 1}};
    const auto end_slice = slice(end.view());
    rocksdb::ReadOptions options;
    options.iterate_upper_bound = &end_slice;
    options.fill_cache = false;
    options.readahead_size = 2u << 20;
    std::unique_ptr<rocksdb::Iterator> it{db_.NewIterator(options)};
    auto expected = next(trimmed_.upto);
    for (it->Seek(slice(begin.view())); it->Valid(); it->Next()) {
      auto index = log_format::decode_entry_key(it->key().ToStringView());
      auto value = log_format::decode_entry(it->value().ToStringView());
      if (!index || !value)
        return "an entry after index " + std::to_string(expected.value - 1)
               + " cannot be read";
      if (*index != expected)
        return "entry " + std::to_string(expected.value) + " is missing";
      add(*index, *value);
      expected = next(expected);
    }
    return it->status().ok() ? std::string{} : it->status().ToString();
  }

  void add(log_index index, const log_format::entry_value& value) {
    log_entry x;
    x.index = index;
    x.term = value.term;
    x.kind = value.kind;
    blocks_.fill(x, value.payload);
    found.entries.push_back(std::move(x));
  }

  log_index last() const {
    return found.entries.empty() ? trimmed_.upto : found.entries.back().index;
  }

  std::string check(log_index applied) const {
    const bool blank = last().value == 0;
    if (applied < trimmed_.upto)
      return "entry " + std::to_string(applied.value + 1)
             + ", which the state does not contain yet, was trimmed";
    if (applied > last())
      return "it ends at index " + std::to_string(last().value)
             + ", but the state contains index "
             + std::to_string(applied.value);
    if (!blank && found.hard.term.value == 0)
      return "it has entries but no term";
    if (!blank && trimmed_.upto.value == 0
        && found.entries.front().kind != entry_kind::change)
      return "it does not begin with the group's members";
    return {};
  }

  void set_snapshot(log_index applied) {
    found.term_before_entries = trimmed_.term;
    if (applied.value == 0)
      return;
    found.snapshot_index = applied;
    found.snapshot_term = trimmed_.term;
    found.configuration_index = trimmed_.configuration_index;
    found.configuration = std::move(trimmed_.configuration);
    for (const auto& x : found.entries) {
      if (x.index > applied)
        break;
      found.snapshot_term = x.term;
      if (x.kind == entry_kind::change && x.index > found.configuration_index) {
        found.configuration_index = x.index;
        found.configuration = x.payload;
      }
    }
  }

  rocksdb::DB& db_;
  const shard_id shard_;
  log_format::trim_record trimmed_; ///< upto 0: nothing was trimmed
  block_filler blocks_;
};

/// Whether the shard has entries or something that stands for them.
rocksdb::Status has_log(rocksdb::DB& db, shard_id shard, bool& out) {
  std::string bytes;
  auto status = db.Get(
    {}, slice(log_format::key{shard, log_format::tag::trim}.view()), &bytes);
  out = status.ok();
  if (!status.IsNotFound())
    return status;
  const log_format::key begin{shard, log_index{0}};
  const log_format::key end{shard, log_format::tag{'e' + 1}};
  const auto end_slice = slice(end.view());
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &end_slice;
  std::unique_ptr<rocksdb::Iterator> it{db.NewIterator(options)};
  it->Seek(slice(begin.view()));
  out = it->Valid();
  return it->status();
}

} // namespace

result<log_presence> log_store::presence(shard_id shard) const {
  bool holds = false;
  auto status = has_log(*impl_->db, shard, holds);
  if (status.ok() && holds)
    return log_presence::holds;
  std::string bytes;
  if (status.ok())
    status = impl_->db->Get(
      {}, slice(log_format::key{shard, log_format::tag::wiped}.view()), &bytes);
  if (status.ok())
    return log_presence::wiped;
  if (status.IsNotFound())
    return log_presence::never;
  return fail(errc::internal, "the log in \"" + impl_->dir.string()
                                + "\" does not say what it holds of shard "
                                + std::to_string(shard.value) + " ("
                                + status.ToString()
                                + "); restore the node's data from a backup");
}

result<restored_log> log_store::load(shard_id shard, log_index applied) {
  shard_reader reader{*impl_->db, shard};
  auto wrong = reader.read(applied);
  if (wrong.empty())
    return std::move(reader.found);
  return fail(
    errc::internal,
    "the log of shard " + std::to_string(shard.value) + " in \""
      + impl_->dir.string() + "\" does not fit: " + wrong
      + "; restore the node's data from a backup or from another node");
}

} // namespace callboard
