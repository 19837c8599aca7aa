#pragma once

#include "cli/bench.hpp"
#include "cli/bench_events.hpp"
#include "cli/bench_socket.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace callboard {

/// One publishing connection: keeps so many requests under way, or sends at a
/// fixed rate whatever the answers do (then the time of each request is the one
/// at which it was due, so that a node that stalls cannot hide it).
class bench_publisher {
public:
  /// Connects and creates the run that the events belong to.
  static result<bench_publisher> open(const bench_options& options,
                                      const endpoint& node, std::size_t number,
                                      double events_per_second);

  int fd() const noexcept {
    return socket_.fd();
  }

  /// From now on requests are due.
  void begin(std::int64_t now);

  /// Sends what is due at `now`. False: the connection is gone.
  bool send(std::int64_t now);

  /// Reads answers; `latency` gets those of requests due at `from` or later.
  bool read(std::span<char> scratch, std::int64_t from,
            latency_record& latency);

  /// When the next request is due; nullopt: with the next answer.
  std::optional<std::int64_t> next_due() const;

  void stop() noexcept {
    stopped_ = true;
  }

  bool wants_to_write() const noexcept {
    return socket_.queued() != 0;
  }

  std::uint64_t sent_events() const noexcept {
    return requests_ * batch_;
  }
  std::uint64_t done_events() const noexcept {
    return done_;
  }
  std::uint64_t refused_events() const noexcept {
    return refused_;
  }
  const std::string& first_refusal() const noexcept {
    return first_refusal_;
  }
  std::uint64_t in_flight() const noexcept {
    return requests_ - answers_;
  }

private:
  bench_publisher(bench_socket socket, publish_frame frame)
      : socket_{std::move(socket)}, frame_{std::move(frame)} {
    // nop
  }

  void answer(std::string_view text, std::int64_t now, std::int64_t from,
              latency_record& latency);

  bench_socket socket_;
  publish_frame frame_;
  std::size_t batch_ = 1;
  std::size_t outstanding_ = 1;
  std::int64_t interval_ns_ = 0; // 0: no fixed rate
  std::int64_t next_due_ = 0;
  std::vector<std::int64_t> due_; // of requests under way, by ref modulo size
  std::uint64_t requests_ = 0;
  std::uint64_t answers_ = 0;
  std::uint64_t done_ = 0;
  std::uint64_t refused_ = 0;
  std::string first_refusal_;
  bool stopped_ = false;
};

} // namespace callboard
