#include "tests/support/tcp_socket.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace callboard::test {

namespace {

std::string last_error(const char* what) {
  return std::string{what} + ": "
         + std::error_code{errno, std::system_category()}.message();
}

int milliseconds_until(deadline until) {
  const auto left
    = std::chrono::ceil<std::chrono::milliseconds>(until - steady::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
}

/// @returns false when the deadline passes first.
bool wait_for(int fd, short events, deadline until) {
  for (;;) {
    pollfd entry{fd, events, 0};
    const int ready = ::poll(&entry, 1, milliseconds_until(until));
    if (ready > 0)
      return true;
    if (ready == 0 && steady::now() >= until)
      return false;
    if (ready < 0 && errno != EINTR)
      throw connection_lost{last_error("poll")};
  }
}

bool would_block() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

} // namespace

tcp_socket tcp_socket::connect(std::uint16_t port, options opts) {
  tcp_socket self{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (self.fd_ < 0)
    throw connection_lost{last_error("socket")};
  if (opts.receive_buffer > 0) {
    ::setsockopt(self.fd_, SOL_SOCKET, SO_RCVBUF, &opts.receive_buffer,
                 sizeof opts.receive_buffer);
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(self.fd_, reinterpret_cast<const sockaddr*>(&address),
                sizeof address)
      != 0)
    throw connection_lost{last_error("connect")};
  const int on = 1;
  ::setsockopt(self.fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::fcntl(self.fd_, F_SETFL, ::fcntl(self.fd_, F_GETFL) | O_NONBLOCK);
  return self;
}

tcp_socket::tcp_socket(tcp_socket&& other) noexcept
    : fd_{std::exchange(other.fd_, -1)} {
  // nop
}

tcp_socket& tcp_socket::operator=(tcp_socket&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

tcp_socket::~tcp_socket() {
  close();
}

void tcp_socket::send(std::string_view bytes, deadline until) {
  const auto sent = send_some(bytes, until);
  if (sent < bytes.size())
    throw timed_out{"the server did not take all bytes"};
}

std::size_t tcp_socket::send_some(std::string_view bytes, deadline until) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const auto n
      = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n >= 0)
      sent += static_cast<std::size_t>(n);
    else if (!would_block())
      throw connection_lost{last_error("send")};
    else if (!wait_for(fd_, POLLOUT, until))
      break;
  }
  return sent;
}

bool tcp_socket::receive(std::string& into, deadline until) {
  std::array<char, 65536> buffer; // NOLINT: filled by recv
  for (;;) {
    const auto n = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (n > 0) {
      into.append(buffer.data(), static_cast<std::size_t>(n));
      return true;
    }
    if (n == 0)
      return false;
    if (!would_block())
      throw connection_lost{last_error("recv")};
    if (!wait_for(fd_, POLLIN, until))
      throw timed_out{"nothing came from the server in time"};
  }
}

bool tcp_socket::readable_now() const {
  return wait_for(fd_, POLLIN, steady::now());
}

std::string tcp_socket::receive_all(deadline until) {
  std::string result;
  try {
    while (receive(result, until)) {
      // nop
    }
  } catch (const connection_lost&) {
    // A reset is an end as well.
  }
  return result;
}

void tcp_socket::shutdown_send() {
  ::shutdown(fd_, SHUT_WR);
}

void tcp_socket::close() noexcept {
  if (fd_ >= 0)
    ::close(std::exchange(fd_, -1));
}

} // namespace callboard::test
