#include "tests/support/token_maker.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace callboard::test {

namespace {

std::string hmac_sha256(std::string_view key, std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  ::HMAC(::EVP_sha256(), key.data(), static_cast<int>(key.size()),
         reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         digest, &size);
  return {reinterpret_cast<const char*>(digest), size};
}

} // namespace

std::string base64url(std::string_view bytes) {
  static constexpr std::string_view alphabet
    = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string result;
  std::uint32_t bits = 0;
  int count = 0;
  for (const auto c : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (count += 8; count >= 6; count -= 6)
      result += alphabet[bits >> (count - 6) & 63];
  }
  if (count > 0)
    result += alphabet[bits << (6 - count) & 63];
  return result;
}

std::int64_t epoch_seconds(std::chrono::seconds offset) {
  const auto now = std::chrono::system_clock::now() + offset;
  return std::chrono::floor<std::chrono::seconds>(now.time_since_epoch())
    .count();
}

std::string sign_token(const boost::json::object& header,
                       const boost::json::object& claims,
                       std::string_view secret) {
  const auto text = base64url(boost::json::serialize(header)) + "."
                    + base64url(boost::json::serialize(claims));
  return text + "." + base64url(hmac_sha256(secret, text));
}

std::string make_token(const token_claims& x) {
  boost::json::object claims{
    {"sub", x.subject}, {"scope", x.scope}, {"exp", epoch_seconds(x.lifetime)}};
  if (!x.tenant.empty())
    claims["tenant"] = x.tenant;
  if (!x.projects.empty())
    claims["projects"]
      = boost::json::array(x.projects.begin(), x.projects.end());
  return sign_token({{"alg", "HS256"}, {"typ", "JWT"}}, claims, test_secret);
}

} // namespace callboard::test
