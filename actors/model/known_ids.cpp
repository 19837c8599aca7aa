#include "actors/model/run_machine.hpp"

#include <algorithm>
#include <bit>
#include <functional>

namespace callboard {
namespace {

constexpr std::size_t max_exact = 64;
constexpr std::size_t bits_per_id = 16;
constexpr std::size_t probes = 6;
constexpr std::size_t block_words = 8; // 64 bytes: one cache line
constexpr std::size_t block_bits = block_words * 64;
constexpr std::size_t first_filter_ids = 512;

using filter = std::vector<std::uint64_t>;

std::size_t capacity(const filter& x) noexcept {
  return x.size() * 64 / bits_per_id;
}

filter make_filter(std::size_t ids) {
  return filter(std::bit_ceil(ids * bits_per_id / 64));
}

/// Calls `use(word, bit)` for each place of `hash`; stops when it returns
/// false.
template <class Filter, class Use>
bool each_place(Filter& x, std::uint64_t hash, Use use) noexcept {
  auto blocks = x.size() / block_words; // a power of two
  auto* block = x.data() + (hash & (blocks - 1)) * block_words;
  auto bits = (hash >> 32 | hash << 32) * 0x9e37'79b9'7f4a'7c15;
  for (std::size_t i = 0; i < probes; ++i) {
    auto place = bits % block_bits;
    bits = std::rotr(bits, 9);
    if (!use(block[place / 64], std::uint64_t{1} << (place % 64)))
      return false;
  }
  return true;
}

bool contains(const filter& x, std::uint64_t hash) noexcept {
  return each_place(x, hash, [](const std::uint64_t& word, std::uint64_t bit) {
    return (word & bit) != 0;
  });
}

void insert(filter& x, std::uint64_t hash) noexcept {
  each_place(x, hash, [](std::uint64_t& word, std::uint64_t bit) {
    word |= bit;
    return true;
  });
}

std::uint64_t hash_of(std::string_view id) noexcept {
  return std::hash<std::string_view>{}(id);
}

} // namespace

bool known_ids::maybe_contains(std::string_view id) const noexcept {
  if (!complete_)
    return true;
  auto hash = hash_of(id);
  if (filters_.empty())
    return std::binary_search(exact_.begin(), exact_.end(), hash);
  // The newest is the largest and holds what is repeated most.
  return std::any_of(filters_.rbegin(), filters_.rend(),
                     [hash](const filter& x) { return contains(x, hash); });
}

void known_ids::add(std::string_view id) {
  if (!complete_)
    return;
  auto hash = hash_of(id);
  if (filters_.empty()) {
    auto place = std::lower_bound(exact_.begin(), exact_.end(), hash);
    if (place != exact_.end() && *place == hash)
      return;
    if (exact_.size() < max_exact) {
      exact_.insert(place, hash);
      return;
    }
    filters_.push_back(make_filter(first_filter_ids));
    for (auto x : exact_)
      insert(filters_.back(), x);
    in_last_filter_ = exact_.size();
    exact_ = {};
  }
  if (in_last_filter_ == capacity(filters_.back())) {
    filters_.push_back(make_filter(2 * capacity(filters_.back())));
    in_last_filter_ = 0;
  }
  insert(filters_.back(), hash);
  ++in_last_filter_;
}

std::size_t known_ids::memory() const noexcept {
  auto bytes = sizeof *this + exact_.capacity() * sizeof(std::uint64_t)
               + filters_.capacity() * sizeof(filter);
  for (const auto& x : filters_)
    bytes += x.capacity() * sizeof(std::uint64_t);
  return bytes;
}

} // namespace callboard
