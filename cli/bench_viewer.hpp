#pragma once

#include "cli/bench_socket.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callboard {

/// When the events of one room were due, by their number: the first viewer that
/// gets an event reads it from the text, the others look it up.
class due_times {
public:
  /// nullopt: the event is not one of ours.
  std::optional<std::int64_t> find(std::uint64_t seq, std::string_view event);

private:
  static constexpr std::size_t size = 1u << 20;

  struct slot {
    std::uint64_t seq = 0;
    std::int64_t due = 0;
  };
  std::vector<slot> slots_ = std::vector<slot>(size);
};

/// One viewer of a room. Checks that each event is the one after the last.
class bench_viewer {
public:
  bench_viewer(bench_socket socket, std::uint64_t last)
      : socket_{std::move(socket)}, last_{last} {
    // nop
  }

  int fd() const noexcept {
    return socket_.fd();
  }
  std::uint64_t last() const noexcept {
    return last_;
  }
  std::uint64_t gaps() const noexcept {
    return gaps_;
  }
  std::uint64_t lagged() const noexcept {
    return lagged_;
  }

  bool refused() const noexcept { ///< The node answered with an error.
    return refused_;
  }

  /// Calls `f(seq, event)` for each durable event. False: connection lost.
  template <class Function>
  bool read(std::span<char> scratch, Function f) {
    return socket_.read(scratch, [&](std::string_view text) {
      if (text.starts_with("{\"type\":\"lagged\"")) {
        ++lagged_;
        return;
      }
      refused_ = refused_ || text.starts_with("{\"type\":\"error\"");
      // One event, or a batch of them: each begins with its number.
      for (auto at = next(text, 0); at != std::string_view::npos;) {
        const auto behind = next(text, at + 1);
        const auto event = text.substr(at, behind - at);
        const auto seq = number(event);
        gaps_ += seq == last_ + 1 ? 0 : 1;
        last_ = seq;
        f(seq, event);
        at = behind;
      }
    });
  }

private:
  static std::size_t next(std::string_view text, std::size_t from);
  static std::uint64_t number(std::string_view event);

  bench_socket socket_;
  std::uint64_t last_;
  std::uint64_t gaps_ = 0;
  std::uint64_t lagged_ = 0;
  bool refused_ = false;
};

/// The room's last number, as `{"type":"subscribed","seq":…}` gives it.
/// errc::internal if that is not what `text` is.
result<std::uint64_t> subscribed_head(std::string_view text);

/// The subscription to a project's room.
std::string subscribe_text(std::string_view project,
                           std::optional<std::uint64_t> since);

} // namespace callboard
