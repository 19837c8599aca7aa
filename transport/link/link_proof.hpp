#pragma once

#include <string>
#include <string_view>

namespace callboard {

/// Who opened the connection.
enum class link_role { dialer, acceptor };

/// What a proof says: these two hellos, on this connection. The same for both
/// sides.
struct link_transcript {
  std::string dialer_hello;   ///< As sent, nonce included.
  std::string acceptor_hello; ///< As sent, nonce included.
  std::string binding;        ///< From TLS, so that no proof can be relayed.
};

/// HMAC-SHA256 over the transcript and the role of whoever proves, keyed with
/// the secret of the cluster: 32 bytes. Another role gives another proof, so a
/// proof cannot be sent back to its maker.
std::string make_proof(std::string_view secret, link_role by,
                       const link_transcript& said);

/// Compares in constant time.
bool same_proof(std::string_view a, std::string_view b) noexcept;

} // namespace callboard
