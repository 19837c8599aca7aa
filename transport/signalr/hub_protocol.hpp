#pragma once

#include "actors/model/json.hpp"
#include "actors/model/problem.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The SignalR hub protocol's JSON encoding: text to messages and back. Pure.
namespace callboard::signalr {

/// Ends every message.
inline constexpr char record_separator = '\x1e';

/// Versions of the protocol that are spoken. 2 is 1 with Ack and Sequence.
inline constexpr std::int64_t oldest_version = 1;
inline constexpr std::int64_t newest_version = 2;

/// The numbers are the wire's.
enum class message_type : std::uint8_t {
  unknown = 0, ///< Of a later version: to be ignored.
  invocation = 1,
  stream_item = 2,
  completion = 3,
  stream_invocation = 4,
  cancel_invocation = 5,
  ping = 6,
  close = 7,
  ack = 8,
  sequence = 9,
};

/// Whether messages of that type are counted and sent again after a reconnect.
constexpr bool is_tracked(message_type x) noexcept {
  return x >= message_type::invocation && x <= message_type::cancel_invocation;
}

/// One message of a client. Refers to the document that it was read from.
struct hub_message {
  message_type type = message_type::unknown;
  std::string invocation_id; ///< Empty: none (nobody waits for an answer).
  std::string target;        ///< Of invocations.
  /// Of invocations: an array. Absent: what was sent cannot be arguments, which
  /// is the invocation's failure and not the connection's.
  std::optional<json::value> arguments;
  bool has_streams = false;      ///< The client wants to upload streams.
  std::uint64_t sequence_id = 0; ///< Of acks and sequences.
};

/// Reads one record (without its separator). errc::invalid: a protocol error,
/// which ends the connection.
result<hub_message> read_message(json::document& doc, std::string_view record,
                                 const json::limits& limits);

/// What the client asks for first.
struct handshake_request {
  std::string protocol;
  std::int64_t version = 0;
};

/// errc::invalid: the text is no handshake, or asks for what is not spoken; the
/// detail is for the client.
result<handshake_request> read_handshake(std::string_view record);

/// Takes records out of what arrives in pieces.
class record_reader {
public:
  /// A record may have `max_bytes` without its separator.
  explicit record_reader(std::size_t max_bytes) noexcept
      : max_bytes_{max_bytes} {
    // nop
  }

  /// Adds what has arrived.
  void feed(std::string_view text);

  /// The next whole record, good until the next call; nullopt: more is needed.
  /// errc::too_large: a record is longer than allowed, nothing can follow.
  result<std::optional<std::string_view>> next();

  /// Bytes that are kept for a record to come.
  std::size_t pending() const noexcept {
    return buffer_.size() - taken_;
  }

private:
  void forget_taken();

  std::size_t max_bytes_;
  std::string buffer_;
  std::size_t taken_ = 0;   ///< Bytes of the buffer that were given out.
  std::size_t scanned_ = 0; ///< No separator before this place.
};

// What the server says; each with its separator.

/// Empty `error`: accepted.
std::string handshake_response(std::string_view error);
/// `result` is raw JSON.
std::string completion(std::string_view invocation_id, std::string_view result);
std::string failed_completion(std::string_view invocation_id,
                              std::string_view error);
std::string ping();
/// Empty `error`: none.
std::string close(std::string_view error, bool allow_reconnect);
std::string ack(std::uint64_t sequence_id);
std::string sequence(std::uint64_t sequence_id);

} // namespace callboard::signalr
