#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>

namespace callboard {

/// Bytes read from a socket and not yet parsed: in one piece, with room behind.
/// Holds no memory after release(), as most connections are idle most of the
/// time.
class input_buffer {
public:
  /// Room for at least `n` more bytes. Invalidates data().
  std::span<char> prepare(std::size_t n) {
    if (capacity_ - end_ < n) {
      auto size = end_ - begin_;
      auto wanted = std::max(size + n, begin_ == 0 ? 2 * capacity_ : capacity_);
      auto grown = std::make_unique_for_overwrite<char[]>(wanted);
      if (size > 0)
        std::memcpy(grown.get(), bytes_.get() + begin_, size);
      bytes_ = std::move(grown);
      capacity_ = wanted;
      begin_ = 0;
      end_ = size;
    }
    return {bytes_.get() + end_, capacity_ - end_};
  }

  void commit(std::size_t n) noexcept {
    end_ += n;
  }

  std::span<const char> data() const noexcept {
    return {bytes_.get() + begin_, end_ - begin_};
  }

  void consume(std::size_t n) noexcept {
    begin_ += n;
    if (begin_ == end_)
      begin_ = end_ = 0;
  }

  bool empty() const noexcept {
    return begin_ == end_;
  }

  void release() noexcept {
    bytes_.reset();
    begin_ = end_ = capacity_ = 0;
  }

private:
  std::unique_ptr<char[]> bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t capacity_ = 0;
};

} // namespace callboard
