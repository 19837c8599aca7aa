#pragma once

#include <memory>
#include <string>

namespace callboard::test {

/// An authority that signs certificates for nodes; all of it in a directory
/// that goes with it.
class certificate_maker {
public:
  enum class validity { valid, expired };

  certificate_maker();
  ~certificate_maker();

  struct files {
    std::string certificate, key;
  };

  /// PEM files for `dns_name` as subject alternative name; empty: without one,
  /// with the common name `common_name` all the same.
  files make(const std::string& dns_name, const std::string& common_name = "x",
             validity how = validity::valid);

  /// PEM file of the authority's own certificate.
  std::string ca_file() const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace callboard::test
