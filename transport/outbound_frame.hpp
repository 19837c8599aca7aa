#pragma once

#include "actors/model/shared_bytes.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

  static frame_ptr binary(std::string payload);

  /// Several text messages that belong together: all or none are dropped.
  static frame_ptr texts(const std::vector<std::string>& messages);

  /// Bytes that already are what goes onto the wire: the handshake's response,
  /// control frames.
  static frame_ptr raw(std::string bytes);

  /// Calls `f(std::string_view message, bool binary)` for each message, for
  /// transports that are no WebSocket. Not for raw().
  template <class F>
  void for_each_message(F f) const {
    auto rest = std::string_view{*payload_};
    if (header_.size > 0)
      return f(rest, header_.bytes[0] == binary_frame);
    while (!rest.empty()) {
      auto message = take_message(rest);
      f(message, false);
    }
  }

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

  static constexpr char binary_frame = '\x82';

  /// The text of the frame that `rest` begins with; goes on behind it.
  static std::string_view take_message(std::string_view& rest) noexcept;

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
