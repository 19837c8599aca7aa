#include "transport/link/link_proof.hpp"

#include "transport/link/link_wire.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cstdlib>

namespace callboard {

std::string make_proof(std::string_view secret, link_role by,
                       const link_transcript& said) {
  std::string text = by == link_role::dialer
                       ? "callboard link proof: dialer\n"
                       : "callboard link proof: acceptor\n";
  put_text(text, said.dialer_hello);
  put_text(text, said.acceptor_hello);
  put_text(text, said.binding);
  std::string result(32, '\0');
  unsigned int size = 0;
  auto* key = secret.empty() ? "" : secret.data(); // nullptr: the last key
  if (!HMAC(EVP_sha256(), key, static_cast<int>(secret.size()),
            reinterpret_cast<const unsigned char*>(text.data()), text.size(),
            reinterpret_cast<unsigned char*>(result.data()), &size)
      || size != result.size())
    std::abort(); // no memory, or a library without SHA-256
  return result;
}

bool same_proof(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size()
         && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

} // namespace callboard
