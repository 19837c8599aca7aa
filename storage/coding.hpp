#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

/// How numbers and texts are laid out in stored bytes; docs/file-formats.md
/// uses the same words (`varint`, `text`, `be64`).
namespace callboard::coding {

/// 7 bits a byte, least significant first, high bit: more follow.
inline void put_varint(std::string& out, std::uint64_t x) {
  for (; x >= 0x80; x >>= 7)
    out.push_back(static_cast<char>((x & 0x7f) | 0x80));
  out.push_back(static_cast<char>(x));
}

/// A signed number as varint: 0, -1, 1, -2 … become 0, 1, 2, 3 …
inline void put_zigzag(std::string& out, std::int64_t x) {
  put_varint(out, (static_cast<std::uint64_t>(x) << 1)
                    ^ static_cast<std::uint64_t>(x >> 63));
}

/// `text` := varint(size) bytes.
inline void put_text(std::string& out, std::string_view x) {
  put_varint(out, x.size());
  out.append(x);
}

/// Most significant byte first, so that keys sort by number.
template <std::unsigned_integral T>
inline void put_big_endian(std::string& out, T x) {
  char bytes[sizeof(T)];
  for (std::size_t i = sizeof(T); i-- > 0; x = static_cast<T>(x >> 8))
    bytes[i] = static_cast<char>(x & 0xff);
  out.append(bytes, sizeof(T));
}

/// For keys: bytes that sort like the signed number.
inline void put_sortable(std::string& out, std::int64_t x) {
  put_big_endian(out, static_cast<std::uint64_t>(x) ^ (1ull << 63));
}

/// Takes stored bytes apart from the front. Never reads past the end: every
/// call says whether there was enough, and leaves the rest alone if not.
class reader {
public:
  explicit reader(std::string_view bytes) noexcept : rest_{bytes} {
    // nop
  }

  std::string_view rest() const noexcept {
    return rest_;
  }

  bool done() const noexcept {
    return rest_.empty();
  }

  [[nodiscard]] bool byte(std::uint8_t& out) noexcept {
    if (rest_.empty())
      return false;
    out = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return true;
  }

  /// Refuses numbers over 64 bits and needlessly long spellings of 0 at the
  /// end.
  [[nodiscard]] bool varint(std::uint64_t& out) noexcept {
    std::uint64_t x = 0;
    for (std::size_t i = 0; i < rest_.size() && i < 10; ++i) {
      auto bits = static_cast<std::uint8_t>(rest_[i]);
      if (i == 9 && bits > 1)
        return false;
      x |= static_cast<std::uint64_t>(bits & 0x7f) << (7 * i);
      if ((bits & 0x80) == 0) {
        if (bits == 0 && i > 0)
          return false;
        out = x;
        rest_.remove_prefix(i + 1);
        return true;
      }
    }
    return false;
  }

  [[nodiscard]] bool varint32(std::uint32_t& out) noexcept {
    auto before = rest_;
    std::uint64_t x = 0;
    if (!varint(x))
      return false;
    if (x > UINT32_MAX) {
      rest_ = before;
      return false;
    }
    out = static_cast<std::uint32_t>(x);
    return true;
  }

  [[nodiscard]] bool zigzag(std::int64_t& out) noexcept {
    std::uint64_t x = 0;
    if (!varint(x))
      return false;
    out = static_cast<std::int64_t>((x >> 1) ^ (~(x & 1) + 1));
    return true;
  }

  [[nodiscard]] bool text(std::string_view& out) noexcept {
    auto before = rest_;
    std::uint64_t size = 0;
    if (!varint(size))
      return false;
    if (size > rest_.size()) {
      rest_ = before;
      return false;
    }
    out = rest_.substr(0, static_cast<std::size_t>(size));
    rest_.remove_prefix(out.size());
    return true;
  }

  template <std::unsigned_integral T>
  [[nodiscard]] bool big_endian(T& out) noexcept {
    if (rest_.size() < sizeof(T))
      return false;
    T x = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
      x = static_cast<T>((static_cast<std::uint64_t>(x) << 8)
                         | static_cast<std::uint8_t>(rest_[i]));
    out = x;
    rest_.remove_prefix(sizeof(T));
    return true;
  }

  [[nodiscard]] bool sortable(std::int64_t& out) noexcept {
    std::uint64_t x = 0;
    if (!big_endian(x))
      return false;
    out = static_cast<std::int64_t>(x ^ (1ull << 63));
    return true;
  }

  /// Everything before the next zero byte, which is consumed too.
  [[nodiscard]] bool until_zero(std::string_view& out) noexcept {
    auto at = rest_.find('\0');
    if (at == std::string_view::npos)
      return false;
    out = rest_.substr(0, at);
    rest_.remove_prefix(at + 1);
    return true;
  }

private:
  std::string_view rest_;
};

} // namespace callboard::coding
