#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Socket.IO protocol 5, after its public specification.
namespace callboard::socket_io {

/// In the order of their digits on the wire.
enum class packet_type : std::uint8_t {
  connect,
  disconnect,
  event,
  ack,
  connect_error,
  binary_event,
  binary_ack,
};

struct packet {
  packet_type type = packet_type::event;
  std::size_t attachments = 0; ///< Binary messages that follow.
  std::string nsp = "/";
  std::optional<std::uint64_t> id = {}; ///< Of an acknowledgement.
  std::string data = {};                ///< Raw JSON; empty: none.

  friend bool operator==(const packet&, const packet&) = default;
};

struct packet_limits {
  std::size_t attachments = 10;
  std::size_t attachment_bytes = 1'000'000; ///< All of one packet.
  std::size_t nsp_bytes = 256;
  std::size_t json_depth = 64;
};

/// Reads a packet's text. nullopt for what the reference implementation closes
/// a connection for: unknown types, wrong counts, payloads that do not fit the
/// type, events with reserved names, placeholders of no attachment.
std::optional<packet> decode_packet(std::string_view text,
                                    const packet_limits& limits);

std::string encode_packet(const packet& x);

/// The packet without its data: what goes before an event's arguments.
std::string packet_head(const packet& x);

/// A whole packet with what belongs to it.
struct message {
  packet head;
  std::vector<std::string> attachments = {};
};

/// Puts packets and the binary messages behind them together.
class assembler {
public:
  explicit assembler(packet_limits limits) noexcept : limits_{limits} {
    // nop
  }

  enum class verdict : std::uint8_t { complete, incomplete, invalid };

  /// If complete, `out` is the packet with its attachments.
  verdict feed(std::string text, bool binary, message& out);

private:
  packet_limits limits_;
  std::optional<message> pending_;
  std::size_t bytes_ = 0; ///< Of the attachments so far.
};

/// An event's name and arguments: raw JSON, taken apart.
struct event_words {
  std::string name;              ///< Decoded; a number as it is spelled.
  std::vector<std::string> args; ///< Raw JSON each.
};

/// `data` is that of an event packet that decode_packet() accepted.
event_words split_event(std::string_view data);

} // namespace callboard::socket_io
