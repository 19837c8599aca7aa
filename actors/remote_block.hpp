#pragma once

#include "actors/remote_codec.hpp"

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

/// How the hot records become bytes: their numbers as one block, their texts as
/// places in one text. Private to actors/remote_codec*.cpp.
namespace callboard::remote {

/// Where a view lies in the text that it points into; 0, 0 for an empty one.
struct slice {
  std::uint32_t begin = 0;
  std::uint32_t size = 0;

  static slice of(std::string_view part, std::string_view text) noexcept {
    if (part.empty())
      return {};
    assert(part.data() >= text.data()
           && part.data() + part.size() <= text.data() + text.size());
    return {static_cast<std::uint32_t>(part.data() - text.data()),
            static_cast<std::uint32_t>(part.size())};
  }

  /// False: it does not lie within.
  bool in(std::string_view text, std::string_view& out) const noexcept {
    if (begin > text.size() || size > text.size() - begin)
      return false;
    out = size == 0 ? std::string_view{} : text.substr(begin, size);
    return true;
  }
};

/// A record's numbers as one block, so that hot records cost one call of the
/// serializer.
template <std::size_t Size>
class block {
public:
  template <class Int>
  void put(Int x) noexcept {
    assert(at_ + sizeof(Int) <= Size);
    for (std::size_t i = 0; i < sizeof(Int); ++i)
      bytes_[at_ + i] = static_cast<char>(static_cast<std::uint64_t>(x)
                                          >> (8 * (sizeof(Int) - 1 - i)));
    at_ += sizeof(Int);
  }

  void put(slice x) noexcept {
    put(x.begin);
    put(x.size);
  }

  template <class Int>
  Int take() noexcept {
    assert(at_ + sizeof(Int) <= Size);
    std::uint64_t x = 0;
    for (std::size_t i = 0; i < sizeof(Int); ++i)
      x = (x << 8) | static_cast<unsigned char>(bytes_[at_ + i]);
    at_ += sizeof(Int);
    return static_cast<Int>(x);
  }

  slice take_slice() noexcept {
    auto begin = take<std::uint32_t>();
    return {begin, take<std::uint32_t>()};
  }

  bool write(frame_sink& f) const {
    assert(at_ == Size);
    return f.raw({bytes_.data(), Size});
  }

  bool read(frame_source& f) {
    std::string_view found;
    if (!f.raw(found, Size))
      return false;
    std::memcpy(bytes_.data(), found.data(), Size);
    return true;
  }

private:
  std::array<char, Size> bytes_;
  std::size_t at_ = 0;
};

/// An id behind a block that holds its size.
inline bool read_id(frame_source& f, std::string& id, std::size_t size) {
  std::string_view bytes;
  if (!f.raw(bytes, size) || !f.allow(size))
    return false;
  id.assign(bytes);
  return true;
}

} // namespace callboard::remote
