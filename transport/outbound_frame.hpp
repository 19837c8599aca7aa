#pragma once

#include "actors/model/shared_bytes.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace callboard {

/// How a server's whole (FIN), unmasked text frame begins: 2, 4 or 10 bytes,
/// depending on nothing but the size of the text (RFC 6455, 5.2).
struct frame_header {
  std::array<char, 10> bytes;
  std::uint8_t size;

  std::string_view view() const noexcept {
    return {bytes.data(), size};
  }
};

frame_header text_frame_header(std::uint64_t text_bytes) noexcept;

class frame_ptr;

/// One frame on its way to the viewers of one hub. The text is shared with all
/// hubs; the frame itself never leaves its hub's thread, so that its owners
/// (one queue entry per viewer) are counted without atomic operations.
class outbound_frame {
public:
  /// A text message.
  static frame_ptr text(shared_bytes payload);
  static frame_ptr text(std::string payload);

  /// Bytes that already are what goes onto the wire: the handshake's response,
  /// control frames.
  static frame_ptr raw(std::string bytes);

  std::string_view header() const noexcept {
    return header_.view();
  }
  std::string_view payload() const noexcept {
    return *payload_;
  }
  /// Header and payload.
  std::size_t size() const noexcept {
    return header_.size + payload_->size();
  }

private:
  friend class frame_ptr;

  outbound_frame(frame_header header, shared_bytes payload) noexcept
      : payload_{std::move(payload)}, header_{header} {
    // nop
  }

  shared_bytes payload_;
  std::uint32_t owners_ = 0;
  frame_header header_;
};

/// Shares an outbound_frame within one thread.
class frame_ptr {
public:
  frame_ptr() noexcept = default;

  frame_ptr(const frame_ptr& other) noexcept : frame_{other.frame_} {
    if (frame_ != nullptr)
      ++frame_->owners_;
  }

  frame_ptr(frame_ptr&& other) noexcept
      : frame_{std::exchange(other.frame_, nullptr)} {
    // nop
  }

  frame_ptr& operator=(frame_ptr other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }

  ~frame_ptr() {
    if (frame_ != nullptr && --frame_->owners_ == 0)
      delete frame_;
  }

  explicit operator bool() const noexcept {
    return frame_ != nullptr;
  }
  const outbound_frame& operator*() const noexcept {
    return *frame_;
  }
  const outbound_frame* operator->() const noexcept {
    return frame_;
  }

private:
  friend class outbound_frame;

  explicit frame_ptr(outbound_frame* x) noexcept : frame_{x} {
    ++frame_->owners_;
  }

  outbound_frame* frame_ = nullptr;
};

} // namespace callboard
