#pragma once

#include "actors/model/problem.hpp"

#include <memory>
#include <string>

struct ssl_ctx_st;
struct ssl_st;

namespace callboard {

/// This node's certificate and the authority that signs those of its peers:
/// mutual TLS 1.2 or 1.3. Read once; immutable, shared by all connections.
class tls_credentials {
public:
  /// All three are PEM files. errc::invalid names the one that is wrong.
  static result<std::shared_ptr<const tls_credentials>>
  read(const std::string& certificate_file, const std::string& key_file,
       const std::string& ca_file);

  /// Whether this node's own certificate is for the node `name`.
  bool is_for(const std::string& name) const;

  ssl_ctx_st* context() const noexcept {
    return context_.get();
  }

private:
  std::shared_ptr<ssl_ctx_st> context_;
};

/// Whether the certificate that the other side of `tls` showed has exactly
/// `name` among its DNS subject alternative names. Case does not matter;
/// wildcards and common names do not count.
bool peer_certificate_is_for(ssl_st* tls, const std::string& name);

/// The oldest error of OpenSSL on this thread in words, the queue emptied;
/// `otherwise` if there is none.
std::string tls_error(const char* otherwise);

} // namespace callboard
