#include "cli/bench_socket.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

namespace callboard {

namespace {

constexpr std::uint8_t op_text = 1;
constexpr std::uint8_t op_close = 8;
constexpr std::uint8_t op_ping = 9;

tl::unexpected<problem> system_error(const std::string& what) {
  return fail(errc::unavailable, what + ": " + std::strerror(errno));
}

result<unique_fd> connect_tcp(const endpoint& node) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(node.host.c_str(), std::to_string(node.port).c_str(),
                    &hints, &found)
      != 0)
    return fail(errc::unavailable, "no such host: " + node.host);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner{
    found, &::freeaddrinfo};
  unique_fd fd{::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (fd.get() < 0)
    return system_error("no socket");
  if (::connect(fd.get(), found->ai_addr, found->ai_addrlen) != 0)
    return system_error("cannot reach http://" + node.text());
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

/// Reads the answer to the upgrade, byte by byte at its end so that no frame is
/// swallowed.
result<void> read_upgrade(int fd) {
  std::string head;
  char byte = 0;
  while (!head.ends_with("\r\n\r\n")) {
    pollfd ready{fd, POLLIN, 0};
    if (::poll(&ready, 1, 10'000) != 1 || ::recv(fd, &byte, 1, 0) != 1
        || head.size() > 8192)
      return fail(errc::unavailable, "the node did not answer the upgrade");
    head += byte;
  }
  if (head.starts_with("HTTP/1.1 101"))
    return {};
  const auto status = head.substr(0, head.find("\r\n"));
  const auto refused = status.find(" 401") != std::string::npos
                       || status.find(" 403") != std::string::npos;
  return fail(refused ? errc::unauthenticated : errc::unavailable,
              "the node refused the WebSocket: " + status);
}

void append_header(std::string& out, std::uint8_t opcode, std::size_t size) {
  out += static_cast<char>(0x80 | opcode);
  if (size < 126) {
    out += static_cast<char>(0x80 | size);
  } else if (size < 65536) {
    out += static_cast<char>(0x80 | 126);
    out += static_cast<char>(size >> 8);
    out += static_cast<char>(size);
  } else {
    out += static_cast<char>(0x80 | 127);
    for (int shift = 56; shift >= 0; shift -= 8)
      out += static_cast<char>(size >> shift);
  }
  out.append(4, '\0'); // the mask
}

} // namespace

result<bench_socket> bench_socket::open(const endpoint& node,
                                        const std::string& token,
                                        const std::string& query) {
  auto fd = connect_tcp(node);
  if (!fd)
    return tl::unexpected{fd.error()};
  const auto request = "GET /ws" + query + " HTTP/1.1\r\nHost: " + node.text()
                       + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         "Sec-WebSocket-Version: 13\r\n"
                         "Sec-WebSocket-Key: Y2FsbGJvYXJkIGJlbmNoIQ==\r\n"
                         "Authorization: Bearer "
                       + token + "\r\n\r\n";
  if (::send(fd->get(), request.data(), request.size(), MSG_NOSIGNAL)
      != static_cast<ssize_t>(request.size()))
    return system_error("cannot send");
  if (auto upgraded = read_upgrade(fd->get()); !upgraded)
    return tl::unexpected{upgraded.error()};
  ::fcntl(fd->get(), F_SETFL, O_NONBLOCK);
  bench_socket out;
  out.fd_ = std::move(*fd);
  return out;
}

void bench_socket::queue_text(std::string_view text) {
  append_frame(out_, text);
}

bool bench_socket::flush() {
  while (queued() != 0) {
    const auto n = ::send(fd(), out_.data() + sent_, queued(),
                          MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0)
      return errno == EAGAIN || errno == EINTR;
    sent_ += static_cast<std::size_t>(n);
  }
  out_.clear();
  sent_ = 0;
  return true;
}

bench_socket::outcome bench_socket::receive(std::span<char> scratch,
                                            std::size_t& size) {
  std::ranges::copy(partial_, scratch.begin());
  const auto room = scratch.size() - partial_.size();
  const auto n
    = ::recv(fd(), scratch.data() + partial_.size(), room, MSG_DONTWAIT);
  if (n < 0)
    return errno == EAGAIN || errno == EINTR ? outcome::none : outcome::closed;
  if (n == 0)
    return outcome::closed;
  size = partial_.size() + static_cast<std::size_t>(n);
  // A short read has emptied the socket: no need to ask once more.
  return static_cast<std::size_t>(n) < room ? outcome::last : outcome::some;
}

bool bench_socket::next_frame(std::string_view& rest, frame& out) {
  const auto byte
    = [&rest](std::size_t i) { return static_cast<std::uint8_t>(rest[i]); };
  if (rest.size() < 2)
    return false;
  std::size_t head = 2;
  std::uint64_t size = byte(1) & 0x7f;
  if (size >= 126) {
    const std::size_t wide = size == 126 ? 2 : 8;
    head += wide;
    if (rest.size() < head)
      return false;
    size = 0;
    for (std::size_t i = 0; i < wide; ++i)
      size = size << 8 | byte(2 + i);
  }
  if (rest.size() - head < size)
    return false;
  out.opcode = byte(0) & 0x0f;
  out.is_text = out.opcode == op_text;
  out.payload = rest.substr(head, size);
  rest.remove_prefix(head + size);
  return true;
}

bool bench_socket::control(const frame& x) {
  if (x.opcode == op_close) {
    // A code in two bytes, then why.
    if (x.payload.size() > 2)
      close_reason_ = x.payload.substr(2);
    if (x.payload.starts_with("\x03\xf0")) // 1008, a policy is violated
      close_code_ = errc::unauthenticated;
    return false;
  }
  if (x.opcode == op_ping) {
    append_header(out_, 10, x.payload.size());
    out_ += x.payload;
    return flush();
  }
  return true;
}

problem bench_socket::why_closed() const {
  std::string text = "the node closed the connection";
  if (!close_reason_.empty())
    text += ": " + close_reason_;
  return {close_code_, std::move(text)};
}

std::size_t append_frame(std::string& out, std::string_view text) {
  append_header(out, op_text, text.size());
  out += text;
  return out.size() - text.size();
}

result<std::string> next_text(bench_socket& from, int seconds) {
  std::vector<char> scratch(bench_scratch_bytes);
  std::string out;
  while (out.empty()) {
    if (!from.flush())
      return fail(errc::unavailable, "connection lost");
    pollfd ready{from.fd(), POLLIN, 0};
    if (::poll(&ready, 1, seconds * 1000) != 1)
      return fail(errc::unavailable, "no answer from the node");
    // Set-up asks for one thing at a time: what follows is not lost, because
    // nobody has sent for it yet.
    if (!from.read(scratch, [&out](std::string_view x) {
          if (out.empty() && !x.starts_with("{\"type\":\"connected\""))
            out = x;
        }))
      return tl::unexpected{from.why_closed()};
  }
  return out;
}

} // namespace callboard
