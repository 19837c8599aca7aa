#pragma once

#include <string>

struct ssl_st;

namespace callboard {

/// Why TLS with a peer failed.
struct tls_failure {
  /// For operators: what OpenSSL says of it and, where that is known, which
  /// node has to be changed and how.
  std::string text;
  bool peer_is_plain = false; ///< Its first bytes were none of TLS.
};

/// Empties OpenSSL's queue of errors of this thread, whose oldest entry tells.
tls_failure take_tls_failure(const ssl_st* tls);

} // namespace callboard
