#include "tests/support/certificate_maker.hpp"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace callboard::test {

namespace {

using key_ptr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using certificate_ptr = std::unique_ptr<X509, decltype(&X509_free)>;

key_ptr new_key() {
  return {EVP_EC_gen("P-256"), &EVP_PKEY_free};
}

void extend(X509* x, X509* issuer, int what, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, x, nullptr, nullptr, 0);
  auto* extension = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
  X509_add_ext(x, extension, -1);
  X509_EXTENSION_free(extension);
}

certificate_ptr new_certificate(EVP_PKEY* key, const std::string& common_name,
                                long from, long to) {
  static long serial = 1;
  certificate_ptr made{X509_new(), &X509_free};
  auto* x = made.get();
  X509_set_version(x, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(x), from);
  X509_gmtime_adj(X509_getm_notAfter(x), to);
  X509_set_pubkey(x, key);
  X509_NAME_add_entry_by_txt(
    X509_get_subject_name(x), "CN", MBSTRING_ASC,
    reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1, 0);
  return made;
}

template <class Write>
void write_file(const std::string& path, Write write) {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{
    std::fopen(path.c_str(), "w"), &std::fclose};
  if (!file || write(file.get()) != 1)
    throw std::runtime_error{"cannot write " + path};
}

void write_certificate(const std::string& path, X509* x) {
  write_file(path, [&](std::FILE* f) { return PEM_write_X509(f, x); });
}

} // namespace

struct certificate_maker::impl {
  std::string folder;
  key_ptr key = new_key();
  certificate_ptr certificate{nullptr, &X509_free};
  int made = 0;
};

certificate_maker::certificate_maker() : impl_{std::make_unique<impl>()} {
  auto name = (std::filesystem::temp_directory_path() / "link-XXXXXX").string();
  if (!::mkdtemp(name.data()))
    throw std::runtime_error{"no temporary directory"};
  impl_->folder = name;
  auto& x = impl_->certificate;
  x = new_certificate(impl_->key.get(), "authority of " + name, -60, 3600);
  X509_set_issuer_name(x.get(), X509_get_subject_name(x.get()));
  extend(x.get(), x.get(), NID_basic_constraints, "critical,CA:TRUE");
  X509_sign(x.get(), impl_->key.get(), EVP_sha256());
  write_certificate(ca_file(), x.get());
}

certificate_maker::~certificate_maker() {
  std::filesystem::remove_all(impl_->folder);
}

std::string certificate_maker::ca_file() const {
  return impl_->folder + "/ca.pem";
}

certificate_maker::files certificate_maker::make(const std::string& dns_name,
                                                 const std::string& common_name,
                                                 validity how) {
  auto base = impl_->folder + "/" + std::to_string(++impl_->made);
  files result{base + ".crt", base + ".key"};
  auto key = new_key();
  auto x = new_certificate(key.get(), common_name, -7200,
                           how == validity::valid ? 3600 : -3600);
  auto* ca = impl_->certificate.get();
  X509_set_issuer_name(x.get(), X509_get_subject_name(ca));
  if (!dns_name.empty())
    extend(x.get(), ca, NID_subject_alt_name, "DNS:" + dns_name);
  X509_sign(x.get(), impl_->key.get(), EVP_sha256());
  write_certificate(result.certificate, x.get());
  write_file(result.key, [&](std::FILE* f) {
    return PEM_write_PrivateKey(f, key.get(), nullptr, nullptr, 0, nullptr,
                                nullptr);
  });
  return result;
}

} // namespace callboard::test
