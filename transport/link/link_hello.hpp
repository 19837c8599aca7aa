#pragma once

#include "actors/peers.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace callboard {

/// Version of what nodes say on a link, and the oldest that this program still
/// understands. Two nodes go together if each is new enough for the other.
constexpr std::uint16_t link_version = 1;
constexpr std::uint16_t oldest_link_version = 1;

using link_nonce = std::array<unsigned char, 32>;

/// The first frame in each direction. Nothing of it is true before the proofs.
struct link_hello {
  std::uint16_t version = link_version;
  std::uint16_t oldest = oldest_link_version;
  link_nonce nonce{}; ///< Random, new for each connection.
  peer_identity who;
};

/// A hello of this program, with a fresh nonce.
link_hello make_hello(const peer_identity& self);

std::string encode(const link_hello& x);

/// Nullopt: no hello, or with names that are empty, too long (255 bytes, the
/// address 300) or have control characters. What a newer version appends is
/// passed over.
std::optional<link_hello> decode_hello(std::string_view bytes);

/// Why a node does not want a session. Numbers of the wire.
enum class link_refusal : std::uint8_t {
  none = 0,
  other_cluster = 1,
  version = 2,
  wrong_secret = 3,
  other_name = 4,  ///< The certificate is not for the name in the hello.
  name_taken = 5,  ///< The peer has my name, but is another node.
  copied_disk = 6, ///< The peer runs on a copy of my data directory.
  myself = 7,      ///< I dialed my own address. Not worth a word.
  redundant = 8,   ///< There is a session already. Not worth a word.
  needs_tls = 9,   ///< The peer spoke no TLS. Is said without TLS, too.
};

/// Whether `self` may have a session with a node that says `peer`. Two nodes
/// come to the same answer.
link_refusal judge(const link_hello& self, const link_hello& peer);

/// Only the question of clusters: empty goes with everything.
bool same_cluster(std::string_view a, std::string_view b) noexcept;

/// One sentence for operators: what differs, with both values.
std::string explain(link_refusal why, const link_hello& self,
                    const link_hello& peer);

/// The refusal that a peer sent, as a sentence about this node. Nullopt: not
/// one of them.
std::optional<link_refusal> decode_refusal(std::string_view body);
std::string_view explain_received(link_refusal why) noexcept;

} // namespace callboard
