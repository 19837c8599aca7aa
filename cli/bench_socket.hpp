#pragma once

#include "actors/model/problem.hpp"
#include "cli/client_options.hpp"
#include "cli/unique_fd.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace callboard {

/// A WebSocket that costs next to nothing per message, so that the load
/// generator does not measure itself: plain non-blocking socket, frames written
/// with the mask 0 (which leaves the text as it is) and read in place.
class bench_socket {
public:
  /// Connects, asks for `/ws` plus `query`, waits for the answer.
  static result<bench_socket> open(const endpoint& node,
                                   const std::string& token,
                                   const std::string& query = {});

  int fd() const noexcept {
    return fd_.get();
  }

  /// Bytes that wait to be sent.
  std::size_t queued() const noexcept {
    return out_.size() - sent_;
  }

  /// Adds ready-made frames (see append_frame) to what flush() sends.
  void queue(std::string_view frames) {
    out_ += frames;
  }

  /// Adds a text message.
  void queue_text(std::string_view text);

  /// Sends what the socket takes now. False: the connection is gone.
  bool flush();

  /// Reads what is there and calls `on_text(payload)` for each text message;
  /// the view is good during the call only. False: the connection is gone.
  template <class Function>
  bool read(std::span<char> scratch, Function on_text) {
    for (;;) {
      std::size_t size = 0;
      const auto got = receive(scratch, size);
      if (got == outcome::none)
        return true;
      if (got == outcome::closed)
        return false;
      std::string_view rest{scratch.data(), size};
      frame x;
      while (next_frame(rest, x))
        if (x.is_text)
          on_text(x.payload);
        else if (!control(x))
          return false;
      partial_ = rest;
      if (got == outcome::last)
        return true;
    }
  }

  /// What to tell when the connection is gone: the node's reason, if any.
  problem why_closed() const;

private:
  enum class outcome { some, last, none, closed };

  struct frame {
    bool is_text = false;
    std::uint8_t opcode = 0;
    std::string_view payload;
  };

  outcome receive(std::span<char> scratch, std::size_t& size);
  static bool next_frame(std::string_view& rest, frame& out);
  bool control(const frame& x);

  unique_fd fd_;
  std::string out_;
  std::size_t sent_ = 0;
  std::string partial_; // the beginning of a frame
  std::string close_reason_;
  errc close_code_ = errc::unavailable;
};

/// Appends `text` as one masked text frame, with the mask 0. Returns where in
/// `out` the text begins, so that fields of fixed width can be filled in later.
std::size_t append_frame(std::string& out, std::string_view text);

/// The text message that comes next, waiting at most `seconds`. For set-up
/// only.
result<std::string> next_text(bench_socket& from, int seconds);

/// The largest message that a scratch buffer must hold.
inline constexpr std::size_t bench_scratch_bytes = 2u << 20;

} // namespace callboard
