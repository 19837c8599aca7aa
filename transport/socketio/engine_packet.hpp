#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Engine.IO protocol 4, after its public specification: what goes over one
/// WebSocket message, and over one HTTP long-polling request or answer.
namespace callboard::engine_io {

/// In the order of their digits on the wire.
enum class packet_type : std::uint8_t {
  open,
  close,
  ping,
  pong,
  message,
  upgrade,
  noop,
};

struct packet {
  packet_type type = packet_type::noop;
  bool binary = false; ///< Messages only.
  std::string data = {};

  friend bool operator==(const packet&, const packet&) = default;
};

/// Reads one text packet: a digit and its data. nullopt: no packet.
std::optional<packet> decode_packet(std::string_view text);

/// A text packet.
std::string encode_packet(packet_type type, std::string_view data = {});

/// Reads the body of a POST: packets with 0x1e between them, binary messages
/// as `b` and base64. nullopt if any of them is no packet, or if there are more
/// than `max_packets`.
std::optional<std::vector<packet>> decode_payload(std::string_view body,
                                                  std::size_t max_packets);

/// Collects packets for the answer to a GET.
class payload {
public:
  /// An encoded text packet, or a binary message as it is.
  void add(std::string_view packet, bool binary);

  bool empty() const noexcept {
    return text_.empty();
  }
  std::size_t size() const noexcept {
    return text_.size();
  }
  std::string take() noexcept;

private:
  std::string text_;
};

std::string to_base64(std::string_view bytes);

/// nullopt for what is no base64. Padding may be missing.
std::optional<std::string> from_base64(std::string_view text);

/// Likewise with the alphabet that is safe in addresses, without padding.
std::string to_base64url(std::string_view bytes);
std::optional<std::string> from_base64url(std::string_view text);

/// 120 random bits in 20 characters, for ids that nobody can guess.
std::string random_id();

} // namespace callboard::engine_io
