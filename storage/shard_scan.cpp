#include "storage/shard_scan.hpp"

#include "storage/state_keys.hpp"

#include <algorithm>

namespace callboard {

shard_scan::shard_scan(const state_view& at, shard_id shard,
                       const shard_place& from, std::size_t readahead_bytes)
    : at_{at}, lower_{keys::shard(shard)}, upper_{keys::behind_shard(shard)},
      lower_slice_{lower_}, upper_slice_{upper_}, readahead_bytes_{
                                                    readahead_bytes} {
  family_ = static_cast<std::size_t>(std::ranges::find(shard_families, from.in)
                                     - shard_families.begin());
  open(from.key);
  skip_empty();
}

void shard_scan::open(std::string_view key) {
  auto options = at_.options();
  options.iterate_lower_bound = &lower_slice_;
  options.iterate_upper_bound = &upper_slice_;
  options.fill_cache = false;
  options.readahead_size = readahead_bytes_;
  iterator_.reset(at_.db().db().NewIterator(options, at_.db().handle(in())));
  iterator_->Seek(slice(lower_ + std::string{key}));
}

void shard_scan::skip_empty() {
  while (!iterator_->Valid() && iterator_->status().ok()
         && family_ + 1 < shard_families.size()) {
    ++family_;
    open({});
  }
}

void shard_scan::next() {
  iterator_->Next();
  skip_empty();
}

result<void> shard_scan::check() const {
  if (auto status = iterator_->status(); !status.ok())
    return storage_problem(status, "reading the state store");
  return {};
}

result<std::uint64_t> state_digest(const state_view& at, shard_id shard) {
  constexpr std::size_t readahead_bytes = 2u << 20;
  row_digest digest;
  shard_scan scan{at, shard, {}, readahead_bytes};
  for (; scan.valid(); scan.next())
    digest.add(scan.in(), scan.key(), scan.value());
  if (auto done = scan.check(); !done)
    return tl::unexpected{done.error()};
  return digest.value();
}

} // namespace callboard
