#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace callboard::test {

/// Stands between two nodes, on the loopback, and can keep bytes back silently,
/// in one direction or both: nothing arrives, nothing is said about it, and no
/// close passes that way. heal() ends the connections that lost something.
class cut_proxy {
public:
  /// Connections to address() are forwarded to 127.0.0.1:`to`.
  explicit cut_proxy(std::uint16_t to);
  ~cut_proxy();

  std::string address() const;

  /// From whoever dialed, and to it.
  void cut(bool from_dialer, bool to_dialer);
  void heal();

  /// Connections so far.
  std::size_t connections() const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace callboard::test
