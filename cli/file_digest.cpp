#include "cli/file_digest.hpp"

#include <openssl/evp.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace callboard {

result<file_digest> digest_file(const std::string& path) {
  const auto close = [](std::FILE* x) { std::fclose(x); };
  const std::unique_ptr<std::FILE, decltype(close)> file{
    std::fopen(path.c_str(), "rbe")};
  if (!file)
    return fail(errc::not_found, std::strerror(errno));
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> digest{
    EVP_MD_CTX_new(), &EVP_MD_CTX_free};
  if (!digest || EVP_DigestInit_ex(digest.get(), EVP_sha256(), nullptr) != 1)
    return fail(errc::internal, "SHA-256 is not available");
  file_digest out;
  std::array<char, 64u << 10> buffer;
  while (const auto n
         = std::fread(buffer.data(), 1, buffer.size(), file.get())) {
    out.size += n;
    EVP_DigestUpdate(digest.get(), buffer.data(), n);
  }
  if (std::ferror(file.get()) != 0)
    return fail(errc::not_found, std::strerror(errno));
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned length = 0;
  EVP_DigestFinal_ex(digest.get(), hash.data(), &length);
  for (unsigned i = 0; i < length; ++i) {
    out.sha256 += "0123456789abcdef"[hash[i] >> 4];
    out.sha256 += "0123456789abcdef"[hash[i] & 15];
  }
  return out;
}

} // namespace callboard
