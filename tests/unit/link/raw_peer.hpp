#pragma once

#include "transport/link/link_hello.hpp"
#include "transport/link/link_proof.hpp"
#include "transport/link/link_wire.hpp"

#include "tests/unit/link/link_fixture.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace callboard::test {

/// The other end of a link, by hand: a blocking socket whose reads give up
/// after 10 s.
class raw_peer {
public:
  using frame = std::pair<frame_kind, std::string>;

  /// Connects to a node.
  explicit raw_peer(std::uint16_t port);
  /// Takes over a socket that was accepted.
  static raw_peer accepted(int fd);
  raw_peer(raw_peer&& other) noexcept;
  ~raw_peer();

  void send(std::string_view bytes);
  void send(frame_kind kind, std::string_view body);

  /// Nullopt: the node closed the connection.
  std::optional<frame> read();

  /// The next frame that is no heartbeat.
  std::optional<frame> read_news();

  /// Reads until the node closes; the last frame, if any.
  std::optional<frame> read_to_end();

  /// Hellos and proofs, as whoever connected. The node's hello; nullopt: it
  /// did not want that.
  std::optional<link_hello> prove(const link_hello& self,
                                  const std::string& secret);

  /// prove(), and welcomes: the session is up.
  bool greet(const peer_identity& self, const std::string& secret);

  /// Whether the node closed, within 10 s. What it sends is dropped.
  bool closed();

  int fd() const noexcept {
    return fd_;
  }

private:
  raw_peer() = default;

  int fd_ = -1;
  frame_reader reader_;
  std::string input_;
  std::string_view left_;
  std::string nodes_proof_;
};

/// A listening socket on the loopback.
class raw_listener {
public:
  explicit raw_listener(int backlog = 16);
  ~raw_listener();

  std::string address() const;
  raw_peer accept();

private:
  int fd_ = -1;
  std::uint16_t port_ = 0;
};

} // namespace callboard::test
