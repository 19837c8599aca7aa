#pragma once

#include "actors/peers.hpp"
#include "transport/link/link_wire.hpp"

#include <sys/uio.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace callboard {

/// What waits to be written to one peer: three lanes, each bounded in bytes,
/// and ahead of them the link's own few frames (heartbeats). Which frame goes
/// next is decided when the socket takes bytes, not when they are queued, so an
/// urgent frame waits for the one that is being written and for nothing else
/// of its process.
///
/// push(), close() and queued_bytes(): any thread. The rest: the link's thread.
class link_outbox {
public:
  enum class pushed {
    queued,
    queued_idle, ///< Queued, and nobody is writing: wake the writer.
    full,        ///< The lane holds its bound.
    over,        ///< close() was called.
  };

  /// Each lane holds up to `lane_bytes`, or one frame if that is longer.
  explicit link_outbox(std::uint64_t lane_bytes);

  pushed push(peer_lane lane, shared_bytes frame);

  /// Drops everything; nothing is taken any more.
  void close();

  std::uint64_t queued_bytes() const noexcept;

  /// A frame of the link itself. False, and not queued: sixteen wait already.
  bool push_own(frame_kind kind, std::string body);

  /// Bytes to be written next, at most about `limit`, at most one frame of bulk
  /// among them. What is short is copied into `scratch`, which must stay as
  /// it is until the bytes are written; the rest is named where it lies.
  /// Empty: there is nothing, and the next push() says queued_idle.
  const std::vector<iovec>& gather(std::string& scratch, std::size_t limit);

  /// `n` bytes of what was gathered are written.
  void consume(std::size_t n);

  struct amount {
    std::uint64_t frames = 0, bytes = 0;
  };

  /// Frames of lanes that were written entirely since the last call, and the
  /// bytes in them.
  amount take_written() noexcept {
    return std::exchange(written_, {});
  }

private:
  struct entry {
    frame_kind kind;
    shared_bytes body;
  };

  static constexpr std::size_t own = 0; ///< Lanes come after it.

  void take_pushed();
  void release();
  bool gather_frame(std::size_t queue, std::size_t index, std::string& scratch,
                    std::size_t& room);
  void append(std::string& scratch, const char* from, std::size_t size);

  const std::uint64_t lane_bytes_;

  mutable std::mutex mutex_;
  std::vector<std::pair<peer_lane, shared_bytes>> pushed_; ///< Under mutex_.
  bool over_ = false;                                      ///< Under mutex_.
  bool writing_ = false;                                   ///< Under mutex_.
  std::array<std::atomic<std::uint64_t>, 3> queued_{};

  std::array<std::deque<entry>, 4> queues_; ///< Own frames, then lanes.
  std::vector<std::pair<peer_lane, shared_bytes>> taken_;
  std::vector<std::uint8_t> order_; ///< Queue of each gathered frame.
  std::vector<iovec> gathered_;
  std::size_t current_ = 0; ///< Queue whose front is partly written.
  std::size_t offset_ = 0;  ///< So many bytes of it; 0: none is.
  amount written_;
  bool grown_ = false; ///< A burst left memory behind.
};

} // namespace callboard
