#pragma once

#include "transport/link/link_proof.hpp"
#include "transport/link/tls_credentials.hpp"

#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace callboard {

/// Bytes over a connected, non-blocking socket that somebody else owns and
/// watches: as they are, or in TLS. No call blocks. With TLS, up to 16 KiB
/// that the socket did not take are kept here.
class link_stream {
public:
  enum class state {
    done,        ///< All that could be done is done.
    wants_read,  ///< Call again when the socket can be read.
    wants_write, ///< Call again when the socket can be written.
    ended,       ///< The other side closed.
    failed,      ///< See error().
  };

  struct outcome {
    state what = state::done;
    std::size_t bytes = 0;
  };

  /// `tls`: nullptr for plain bytes.
  link_stream(int socket, link_role role, const tls_credentials* tls);
  ~link_stream();

  /// To be called until it is done, before anything else.
  state handshake();

  /// wants_read, if there is nothing.
  outcome read(std::span<char> into);

  /// Takes as much as it can: `bytes` are taken and need not be offered again,
  /// even if the socket has not got them yet (then wants_write).
  outcome write(std::span<const iovec> pieces);

  /// What one write() should offer at most.
  std::size_t batch_bytes() const noexcept;

  bool is_tls() const noexcept {
    return tls_ != nullptr;
  }

  /// Whether the peer's certificate is for the node `name`. Only with TLS.
  bool peer_is(const std::string& name) const;

  /// 32 bytes that only the two ends of this very connection know; empty
  /// without TLS.
  std::string binding() const;

  const std::string& error() const noexcept {
    return error_;
  }

  /// TLS failed because the peer speaks none.
  bool peer_is_plain() const noexcept {
    return peer_is_plain_;
  }

private:
  state tls_state(int returned);
  state socket_state();
  outcome write_plain(std::span<const iovec> pieces);
  outcome write_sealed();

  int socket_;
  std::unique_ptr<ssl_st, void (*)(ssl_st*)> tls_;
  std::string sealing_; ///< Taken by write(), not yet by TLS.
  std::string error_;
  bool peer_is_plain_ = false;
};

} // namespace callboard
