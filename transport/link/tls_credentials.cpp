#include "transport/link/tls_credentials.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <strings.h>

namespace callboard {

namespace {

bool is_for_name(X509* certificate, const std::string& name) {
  if (!certificate)
    return false;
  auto* names = static_cast<GENERAL_NAMES*>(
    X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  bool found = false;
  for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; ++i) {
    auto* one = sk_GENERAL_NAME_value(names, i);
    if (one->type != GEN_DNS)
      continue;
    auto* text = ASN1_STRING_get0_data(one->d.dNSName);
    auto size = static_cast<std::size_t>(ASN1_STRING_length(one->d.dNSName));
    found
      = size == name.size()
        && strncasecmp(reinterpret_cast<const char*>(text), name.data(), size)
             == 0;
  }
  GENERAL_NAMES_free(names);
  return found;
}

tl::unexpected<problem> refuse(const char* setting, const std::string& file) {
  return fail(errc::invalid,
              std::string{"cluster."} + setting + " \"" + file
                + "\" cannot be used: " + tls_error("it cannot be read"),
              std::string{"/cluster/"} + setting);
}

} // namespace

result<std::shared_ptr<const tls_credentials>>
tls_credentials::read(const std::string& certificate_file,
                      const std::string& key_file, const std::string& ca_file) {
  auto made = std::make_shared<tls_credentials>();
  made->context_ = std::shared_ptr<SSL_CTX>{
    SSL_CTX_new(TLS_method()), [](SSL_CTX* x) { SSL_CTX_free(x); }};
  auto* ctx = made->context_.get();
  if (!ctx)
    return fail(errc::internal, tls_error("no memory for TLS"));
  ERR_clear_error();
  SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION
                             | SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(ctx, 0);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE
                          | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(ctx, 1);
  SSL_CTX_set_default_read_buffer_len(ctx, 64 << 10);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                     nullptr);
  if (SSL_CTX_use_certificate_chain_file(ctx, certificate_file.c_str()) != 1)
    return refuse("certificate_file", certificate_file);
  if (SSL_CTX_use_PrivateKey_file(ctx, key_file.c_str(), SSL_FILETYPE_PEM) != 1
      || SSL_CTX_check_private_key(ctx) != 1)
    return refuse("key_file", key_file);
  if (SSL_CTX_load_verify_locations(ctx, ca_file.c_str(), nullptr) != 1)
    return refuse("ca_file", ca_file);
  if (auto* names = SSL_load_client_CA_file(ca_file.c_str()))
    SSL_CTX_set_client_CA_list(ctx, names);
  return made;
}

bool tls_credentials::is_for(const std::string& name) const {
  return is_for_name(SSL_CTX_get0_certificate(context_.get()), name);
}

bool peer_certificate_is_for(SSL* tls, const std::string& name) {
  std::unique_ptr<X509, decltype(&X509_free)> shown{
    SSL_get1_peer_certificate(tls), &X509_free};
  return is_for_name(shown.get(), name);
}

std::string tls_error(const char* otherwise) {
  std::string text = otherwise;
  // The oldest entry says what happened, the later ones where it passed by.
  if (auto code = ERR_get_error()) {
    auto* reason = ERR_reason_error_string(code);
    text = reason ? reason : "error " + std::to_string(code);
  }
  ERR_clear_error();
  return text;
}

} // namespace callboard
