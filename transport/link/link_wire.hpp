#pragma once

#include "actors/peers.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Frames of the link between nodes: a length (u32, little endian, of the body
/// alone), a kind (u8), the body. docs/link.md has all of it.
namespace callboard {

enum class frame_kind : std::uint8_t {
  urgent = 0, ///< Lanes: what the actors of both nodes say to each other.
  normal = 1,
  bulk = 2,
  hello = 16,   ///< Who I am; link_hello.hpp.
  proof = 17,   ///< That I know the secret; link_proof.hpp.
  welcome = 18, ///< This connection is the session. Empty.
  refusal = 19, ///< A link_refusal (u8). The sender hears nothing any more.
  ping = 20,    ///< Sender's clock in ns (u64), to be sent back.
  pong = 21,    ///< What the ping brought.
  cluster = 22, ///< The sender has become a member of the cluster of this id.
};

constexpr std::size_t frame_header_bytes = 5;

/// Largest body of all kinds but lanes, and of anything before the session is
/// up: what a stranger can make a node keep.
constexpr std::size_t greeting_bytes = 4096;

constexpr frame_kind kind_of(peer_lane lane) noexcept {
  return static_cast<frame_kind>(lane);
}

/// Whether `kind` carries what was given to peer_network::send.
constexpr bool is_lane(frame_kind kind) noexcept {
  return static_cast<std::uint8_t>(kind) <= 2;
}

using frame_header = std::array<char, frame_header_bytes>;

frame_header make_header(frame_kind kind, std::size_t body_bytes) noexcept;

/// Cuts a stream of bytes into frames. Holds at most one incomplete frame, and
/// allocates nothing for a frame before its length was checked.
///
///     while (reader.next(bytes))
///       handle(reader.kind(), reader.take());
///     if (reader.fault()) ... // nothing can be read any more
class frame_reader {
public:
  /// Frames of lanes may have up to `bytes` from now on. At first none may be
  /// longer than greeting_bytes.
  void allow(std::size_t bytes) noexcept;

  /// Takes bytes from the front of `bytes`. True: a frame is complete.
  bool next(std::string_view& bytes);

  frame_kind kind() const noexcept;

  /// The body of the frame that is complete. Once per frame.
  std::string take();

  /// What is wrong with the stream; empty: nothing so far.
  const std::string& fault() const noexcept;

private:
  bool begin();

  std::size_t allowed_ = greeting_bytes;
  frame_header header_{};
  std::size_t header_have_ = 0;
  std::size_t body_bytes_ = 0;
  bool first_ = true; ///< No frame was taken yet.
  std::string body_;
  std::string fault_;
};

/// Little-endian numbers and strings with a length (u16) before them.
void put_u16(std::string& out, std::uint16_t x);
void put_u64(std::string& out, std::uint64_t x);
void put_text(std::string& out, std::string_view x);

/// Reads what put_... wrote from the front of `in`; nullopt: too short.
std::optional<std::uint16_t> get_u16(std::string_view& in);
std::optional<std::uint64_t> get_u64(std::string_view& in);
std::optional<std::string_view> get_text(std::string_view& in);

} // namespace callboard
