#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace callboard {

/// 64 bits of all bytes given, in order and with the borders between them. Not
/// against forgers: it finds faults of disks, links and programs. The same on
/// all machines that Callboard runs on (little-endian).
class byte_hash {
public:
  void add(std::string_view bytes) noexcept {
    mix(bytes.size());
    for (; bytes.size() >= 8; bytes.remove_prefix(8))
      mix(word(bytes, 8));
    mix(word(bytes, bytes.size()));
  }

  std::uint64_t value() const noexcept {
    return state_ ^ (state_ >> 29);
  }

private:
  static std::uint64_t word(std::string_view bytes, std::size_t size) noexcept {
    std::uint64_t out = 0;
    std::memcpy(&out, bytes.data(), size);
    return out;
  }

  void mix(std::uint64_t x) noexcept {
    state_ = (state_ ^ x) * 0x9e3779b97f4a7c15ull;
    state_ ^= state_ >> 32;
  }

  std::uint64_t state_ = 0x243f6a8885a308d3ull;
};

inline std::uint64_t hash_of(std::string_view bytes) noexcept {
  byte_hash hash;
  hash.add(bytes);
  return hash.value();
}

} // namespace callboard
