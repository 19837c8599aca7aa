#include "transport/link/link_stream.hpp"

#include "transport/link/tls_failure.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace callboard {

namespace {

constexpr std::size_t plain_batch_bytes = 256 << 10;
constexpr std::size_t record_bytes = 16 << 10; ///< Largest that TLS has.

/// OpenSSL's own socket BIO would raise SIGPIPE.
int bio_write(BIO* bio, const char* from, int size) {
  BIO_clear_retry_flags(bio);
  int fd = 0;
  BIO_get_fd(bio, &fd);
  auto n = ::send(fd, from, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    BIO_set_retry_write(bio);
  return static_cast<int>(n);
}

int bio_read(BIO* bio, char* into, int size) {
  BIO_clear_retry_flags(bio);
  int fd = 0;
  BIO_get_fd(bio, &fd);
  auto n = ::recv(fd, into, static_cast<std::size_t>(size), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    BIO_set_retry_read(bio);
  return static_cast<int>(n);
}

/// A socket BIO with these two calls; lives as long as the process.
const BIO_METHOD* quiet_socket() {
  static const BIO_METHOD* method = [] {
    auto* base = BIO_s_socket();
    auto* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK
                                | BIO_TYPE_DESCRIPTOR,
                              "callboard socket");
    BIO_meth_set_create(made, BIO_meth_get_create(base));
    BIO_meth_set_destroy(made, BIO_meth_get_destroy(base));
    BIO_meth_set_ctrl(made, BIO_meth_get_ctrl(base));
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_read(made, bio_read);
    return made;
  }();
  return method;
}

} // namespace

link_stream::link_stream(int socket, link_role role, const tls_credentials* tls)
    : socket_{socket}, tls_{nullptr, &SSL_free} {
  if (!tls)
    return;
  tls_.reset(SSL_new(tls->context()));
  auto* bio = BIO_new(quiet_socket());
  if (!tls_ || !bio)
    throw std::bad_alloc{};
  BIO_set_fd(bio, socket, BIO_NOCLOSE);
  SSL_set_bio(tls_.get(), bio, bio);
  if (role == link_role::dialer)
    SSL_set_connect_state(tls_.get());
  else
    SSL_set_accept_state(tls_.get());
}

link_stream::~link_stream() = default;

link_stream::state link_stream::handshake() {
  if (!tls_)
    return state::done;
  ERR_clear_error();
  return tls_state(SSL_do_handshake(tls_.get()));
}

link_stream::outcome link_stream::read(std::span<char> into) {
  if (tls_) {
    ERR_clear_error();
    std::size_t bytes = 0;
    auto code = SSL_read_ex(tls_.get(), into.data(), into.size(), &bytes);
    return {code == 1 ? state::done : tls_state(code), bytes};
  }
  auto n = ::recv(socket_, into.data(), into.size(), 0);
  if (n > 0)
    return {state::done, static_cast<std::size_t>(n)};
  if (n == 0)
    return {state::ended, 0};
  auto what = socket_state();
  return {what == state::wants_write ? state::wants_read : what, 0};
}

link_stream::outcome link_stream::write(std::span<const iovec> pieces) {
  if (!tls_)
    return write_plain(pieces);
  if (!sealing_.empty()) {
    auto before = write_sealed();
    if (before.what != state::done)
      return before;
  }
  for (auto& piece : pieces)
    sealing_.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
  auto taken = sealing_.size();
  auto result = write_sealed();
  result.bytes = taken;
  return result;
}

link_stream::outcome link_stream::write_plain(std::span<const iovec> pieces) {
  if (pieces.empty())
    return {};
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces.data());
  message.msg_iovlen = pieces.size();
  auto n = ::sendmsg(socket_, &message, MSG_NOSIGNAL);
  if (n >= 0)
    return {state::done, static_cast<std::size_t>(n)};
  return {socket_state(), 0};
}

/// Records until `sealing_` is with the socket. Its front must be offered
/// unchanged until TLS has taken it.
link_stream::outcome link_stream::write_sealed() {
  ERR_clear_error();
  std::size_t begin = 0;
  while (begin < sealing_.size()) {
    std::size_t bytes = 0;
    auto code
      = SSL_write_ex(tls_.get(), sealing_.data() + begin,
                     std::min(sealing_.size() - begin, record_bytes), &bytes);
    if (code != 1) {
      sealing_.erase(0, begin);
      return {tls_state(code), 0};
    }
    begin += bytes;
  }
  std::string{}.swap(sealing_); // not = {}, which keeps the capacity
  return {};
}

std::size_t link_stream::batch_bytes() const noexcept {
  return tls_ ? record_bytes - 8 : plain_batch_bytes;
}

bool link_stream::peer_is(const std::string& name) const {
  return peer_certificate_is_for(tls_.get(), name);
}

std::string link_stream::binding() const {
  if (!tls_)
    return {};
  constexpr std::string_view label = "EXPORTER-callboard-link";
  std::string result(32, '\0');
  if (SSL_export_keying_material(
        tls_.get(), reinterpret_cast<unsigned char*>(result.data()),
        result.size(), label.data(), label.size(), nullptr, 0, 0)
      != 1)
    std::abort(); // no memory
  return result;
}

link_stream::state link_stream::tls_state(int returned) {
  switch (SSL_get_error(tls_.get(), returned)) {
  case SSL_ERROR_NONE:
    return state::done;
  case SSL_ERROR_WANT_READ:
    return state::wants_read;
  case SSL_ERROR_WANT_WRITE:
    return state::wants_write;
  case SSL_ERROR_ZERO_RETURN:
    return state::ended;
  case SSL_ERROR_SYSCALL:
    if (errno == 0)
      return state::ended;
    return socket_state();
  }
  auto why = take_tls_failure(tls_.get());
  error_ = std::move(why.text);
  peer_is_plain_ = why.peer_is_plain;
  return state::failed;
}

/// From errno.
link_stream::state link_stream::socket_state() {
  if (errno == EAGAIN || errno == EINTR)
    return state::wants_write;
  error_ = std::generic_category().message(errno);
  return state::failed;
}

} // namespace callboard
