#include "storage/shard_scan.hpp"
#include "storage/state_chunk.hpp"
#include "storage/state_keys.hpp"
#include "storage/state_moves.hpp"
#include "storage/state_rows.hpp"

#include <algorithm>

namespace callboard {

namespace {

constexpr std::size_t most_readahead_bytes = 2u << 20;

/// Bytes of a row beside its key and value, at most.
constexpr std::size_t row_overhead_bytes = 11;

/// Catches up, when a view is gone, on what had to wait for it.
class reclaim_behind {
public:
  explicit reclaim_behind(const state_db& db) : db_{db} {
    // nop
  }
  ~reclaim_behind() {
    db_.reclaim_owed();
  }
  reclaim_behind(const reclaim_behind&) = delete;
  reclaim_behind& operator=(const reclaim_behind&) = delete;

private:
  const state_db& db_;
};

/// Between two calls it holds a snapshot and nothing else: a slow receiver
/// keeps no files and no write buffers alive.
class pinned_state final : public state_export {
public:
  pinned_state(const state_db& db, shard_id shard)
      : behind_{db}, at_{db}, shard_{shard} {
    // nop
  }

  result<void> read_applied() {
    rocksdb::PinnableSlice value;
    auto found = at_.get(family::rows, keys::applied(shard_), value);
    if (!found)
      return tl::unexpected{found.error()};
    if (!*found)
      return {};
    auto number = rows::decode_number(view(value));
    if (!number)
      return tl::unexpected{number.error()};
    applied_.value = *number;
    return {};
  }

  log_index applied() const noexcept override {
    return applied_;
  }

  result<std::string> next(std::size_t max_bytes) override {
    if (ended_)
      return std::string{};
    chunk_writer out{shard_, number_};
    auto place = place_;
    auto digest = digest_;
    auto count = count_;
    shard_scan scan{at_, shard_, place,
                    std::min(max_bytes, most_readahead_bytes)};
    for (bool first = true; scan.valid(); first = false, scan.next()) {
      const auto size
        = scan.key().size() + scan.value().size() + row_overhead_bytes;
      if (!first && out.bytes() + size > max_bytes)
        break;
      out.add(scan.in(), scan.key(), scan.value());
      digest.add(scan.in(), scan.key(), scan.value());
      ++count;
      place.in = scan.in();
      place.key.assign(scan.key()).push_back('\0'); // the next key there can be
    }
    if (auto done = scan.check(); !done)
      return tl::unexpected{done.error()};
    if (!scan.valid()) {
      out.end({count, digest.value()});
      ended_ = true;
    }
    place_ = std::move(place);
    digest_ = digest;
    count_ = count;
    ++number_;
    return out.take();
  }

  result<std::uint64_t> digest() override {
    return state_digest(at_, shard_);
  }

private:
  const reclaim_behind behind_; // destroyed after the view
  const state_view at_;
  const shard_id shard_;
  log_index applied_;
  shard_place place_; ///< Where the next chunk begins.
  row_digest digest_; ///< Of all rows before it.
  std::uint64_t count_ = 0;
  std::uint32_t number_ = 0;
  bool ended_ = false;
};

} // namespace

result<std::unique_ptr<state_export>> pin_state(const state_db& db,
                                                shard_id shard) {
  auto out = std::make_unique<pinned_state>(db, shard);
  if (auto read = out->read_applied(); !read)
    return tl::unexpected{read.error()};
  return out;
}

} // namespace callboard
