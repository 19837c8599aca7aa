#include "tests/unit/link/raw_peer.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <stdexcept>

namespace callboard::test {

namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return to;
}

void set_patience(int fd) {
  timeval patience{10, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

} // namespace

raw_peer::raw_peer(std::uint16_t port)
    : fd_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
  set_patience(fd_);
  auto to = loopback(port);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
    throw std::runtime_error{"cannot connect"};
}

raw_peer raw_peer::accepted(int fd) {
  raw_peer result;
  result.fd_ = fd;
  set_patience(fd);
  return result;
}

raw_peer::raw_peer(raw_peer&& other) noexcept
    : fd_{std::exchange(other.fd_, -1)} {
  // nothing was read yet
}

raw_peer::~raw_peer() {
  if (fd_ >= 0)
    ::close(fd_);
}

void raw_peer::send(std::string_view bytes) {
  while (!bytes.empty()) {
    auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0)
      return; // whoever reads will see why
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

void raw_peer::send(frame_kind kind, std::string_view body) {
  auto header = make_header(kind, body.size());
  std::string all{header.begin(), header.end()};
  all += body;
  send(all);
}

std::optional<raw_peer::frame> raw_peer::read() {
  reader_.allow(64 << 20);
  for (;;) {
    if (reader_.next(left_))
      return frame{reader_.kind(), reader_.take()};
    input_.resize(64 << 10);
    auto n = ::recv(fd_, input_.data(), input_.size(), 0);
    if (n < 0 && errno == EAGAIN)
      throw std::runtime_error{"the node says nothing"};
    if (n <= 0)
      return std::nullopt;
    left_ = {input_.data(), static_cast<std::size_t>(n)};
  }
}

std::optional<raw_peer::frame> raw_peer::read_news() {
  for (;;) {
    auto x = read();
    if (!x || (x->first != frame_kind::ping && x->first != frame_kind::pong))
      return x;
  }
}

std::optional<raw_peer::frame> raw_peer::read_to_end() {
  std::optional<frame> last;
  while (auto x = read())
    last = std::move(x);
  return last;
}

std::optional<link_hello> raw_peer::prove(const link_hello& self,
                                          const std::string& secret) {
  link_transcript said;
  said.dialer_hello = encode(self);
  send(frame_kind::hello, said.dialer_hello);
  auto hello = read();
  if (!hello || hello->first != frame_kind::hello)
    return std::nullopt;
  said.acceptor_hello = hello->second;
  send(frame_kind::proof, make_proof(secret, link_role::dialer, said));
  auto proof = read();
  if (!proof || proof->first != frame_kind::proof)
    return std::nullopt;
  if (!same_proof(proof->second, make_proof(secret, link_role::acceptor, said)))
    return std::nullopt;
  return decode_hello(said.acceptor_hello);
}

bool raw_peer::greet(const peer_identity& self, const std::string& secret) {
  auto node = prove(make_hello(self), secret);
  if (!node)
    return false;
  if (self.name < node->who.name) // we choose
    send(frame_kind::welcome, {});
  auto welcome = read();
  if (!welcome || welcome->first != frame_kind::welcome)
    return false;
  if (self.name > node->who.name)
    send(frame_kind::welcome, {});
  return true;
}

bool raw_peer::closed() {
  char input[4096];
  for (;;) {
    auto n = ::recv(fd_, input, sizeof input, 0);
    if (n < 0 && errno == EAGAIN)
      return false;
    if (n <= 0)
      return true;
  }
}

raw_listener::raw_listener(int backlog)
    : fd_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
  set_patience(fd_);
  auto at = loopback(0);
  socklen_t size = sizeof at;
  if (::bind(fd_, reinterpret_cast<sockaddr*>(&at), size) != 0
      || ::listen(fd_, backlog) != 0
      || ::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size) != 0)
    throw std::runtime_error{"cannot listen"};
  port_ = ntohs(at.sin_port);
}

raw_listener::~raw_listener() {
  ::close(fd_);
}

std::string raw_listener::address() const {
  return "127.0.0.1:" + std::to_string(port_);
}

raw_peer raw_listener::accept() {
  auto fd = ::accept(fd_, nullptr, nullptr);
  if (fd < 0)
    throw std::runtime_error{"nobody connects"};
  return raw_peer::accepted(fd);
}

} // namespace callboard::test
