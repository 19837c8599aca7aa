#include "transport/link/tls_failure.hpp"

#include "transport/link/tls_credentials.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

namespace callboard {

namespace {

/// What is to be done about a certificate that this node does not accept.
const char* remedy_for_theirs(long verdict) {
  switch (verdict) {
  case X509_V_ERR_CERT_HAS_EXPIRED:
    return "renew its cluster.certificate_file and restart it";
  case X509_V_ERR_CERT_NOT_YET_VALID:
    return "compare the clocks of both machines";
  default:
    return "let an authority in this node's cluster.ca_file sign its "
           "cluster.certificate_file, or add its authority to that file";
  }
}

/// The same for what the peer said, or did not say. Empty: nothing is known.
const char* remedy(int reason) {
  switch (reason) {
  case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    return "let an authority in its cluster.ca_file sign this node's "
           "cluster.certificate_file, or add this node's authority to that "
           "file";
  case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    return "renew this node's cluster.certificate_file and restart it";
  case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
  case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
  case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    return "it does not accept this node's cluster.certificate_file, its log "
           "says why";
  case SSL_R_WRONG_VERSION_NUMBER:
    return "it speaks no TLS: give all nodes cluster.certificate_file, "
           "cluster.key_file and cluster.ca_file, or none";
  case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
    return "give it cluster.certificate_file and cluster.key_file";
  default:
    return "";
  }
}

} // namespace

tls_failure take_tls_failure(const ssl_st* tls) {
  const auto code = ERR_peek_error();
  const auto verdict = SSL_get_verify_result(tls);
  auto text = tls_error("TLS failed");
  std::string what_to_do;
  if (verdict != X509_V_OK) {
    text += std::string{" ("} + X509_verify_cert_error_string(verdict) + ")";
    what_to_do = remedy_for_theirs(verdict);
  } else if (ERR_GET_LIB(code) == ERR_LIB_SSL) {
    what_to_do = remedy(ERR_GET_REASON(code));
  }
  const bool plain = ERR_GET_LIB(code) == ERR_LIB_SSL
                     && ERR_GET_REASON(code) == SSL_R_WRONG_VERSION_NUMBER;
  return {what_to_do.empty() ? text : text + "; " + what_to_do, plain};
}

} // namespace callboard
