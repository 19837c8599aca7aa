#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace callboard::test {

using steady = std::chrono::steady_clock;
using deadline = steady::time_point;

inline deadline within(std::chrono::milliseconds x) {
  return steady::now() + x;
}

/// How long a test waits for what should come at once, generous because the
/// machine may be busy with something else.
inline constexpr std::chrono::milliseconds patience{15'000};

/// The peer is gone: refused, reset, or closed in the middle of something.
class connection_lost : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// What a test waited for did not come.
class timed_out : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// A blocking TCP connection to loopback in which every wait has a deadline.
/// Used by one thread at a time.
class tcp_socket {
public:
  struct options {
    /// SO_RCVBUF; 0: as the system likes. Small: a viewer that stops reading is
    /// felt by the server at once.
    int receive_buffer = 0;
  };

  /// @throws connection_lost when nobody listens there.
  static tcp_socket connect(std::uint16_t port, options opts);
  static tcp_socket connect(std::uint16_t port) {
    return connect(port, options{});
  }

  tcp_socket(tcp_socket&& other) noexcept;
  tcp_socket& operator=(tcp_socket&& other) noexcept;
  ~tcp_socket();

  /// Sends everything. @throws connection_lost, timed_out.
  void send(std::string_view bytes, deadline until);

  /// Sends as much as there is room for until `until`; returns how much.
  std::size_t send_some(std::string_view bytes, deadline until);

  /// Appends what has arrived to `into`, waiting for at least one byte.
  /// @returns false when the peer has closed. @throws timed_out,
  /// connection_lost (reset).
  bool receive(std::string& into, deadline until);

  /// Whether the peer has closed (or something unasked has arrived).
  bool readable_now() const;

  /// Waits for the end of the connection, dropping what comes before it.
  /// @returns what came. @throws timed_out.
  std::string receive_all(deadline until);

  /// No more will be sent; reading goes on.
  void shutdown_send();

  void close() noexcept;

  int descriptor() const noexcept {
    return fd_;
  }

private:
  explicit tcp_socket(int fd) noexcept : fd_{fd} {
    // nop
  }

  int fd_ = -1;
};

} // namespace callboard::test
