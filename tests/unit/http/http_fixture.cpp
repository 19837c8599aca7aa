#include "tests/unit/http/http_fixture.hpp"

#include "transport/authenticator.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

namespace callboard::test {

std::string wire_reply::member(std::string_view name) const {
  auto parsed = json::document::parse(body);
  if (!parsed)
    return "not JSON: " + body;
  auto found = parsed->root().find(name);
  if (!found)
    return {};
  return found->is(json::kind::string) ? found->string()
                                       : std::string{found->raw()};
}

wire_client::wire_client(std::uint16_t port)
    : fd_{::socket(AF_INET, SOCK_STREAM, 0)} {
  timeval patience{10, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
    throw std::runtime_error{"cannot connect"};
}

wire_client::~wire_client() {
  ::close(fd_);
}

void wire_client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0)
      return; // the server has refused the rest
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

bool wire_client::fill() {
  char part[65536];
  auto n = ::recv(fd_, part, sizeof part, 0);
  if (n <= 0)
    return false;
  in_.append(part, static_cast<std::size_t>(n));
  return true;
}

std::string wire_client::line() {
  std::size_t end = 0;
  while ((end = in_.find("\r\n")) == in_.npos)
    if (!fill())
      throw std::runtime_error{"the server closed early; so far: " + in_};
  auto out = in_.substr(0, end);
  in_.erase(0, end + 2);
  return out;
}

wire_reply wire_client::receive(bool head_only) {
  wire_reply out;
  auto first = line();
  out.status = std::stoi(first.substr(9, 3));
  for (auto text = line(); !text.empty(); text = line()) {
    auto colon = text.find(':');
    auto name = text.substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? char(c + 32) : c;
    });
    out.headers[name] = text.substr(text.find_first_not_of(' ', colon + 1));
  }
  auto length = out.headers.find("content-length");
  if (head_only || length == out.headers.end())
    return out;
  auto size = std::stoul(length->second);
  while (in_.size() < size)
    if (!fill())
      throw std::runtime_error{"the server closed in the middle of a body"};
  out.body = in_.substr(0, size);
  in_.erase(0, size);
  return out;
}

bool wire_client::closed() {
  char part[65536];
  for (;;) {
    auto n = ::recv(fd_, part, sizeof part, 0);
    if (n == 0)
      return true;
    if (n < 0)
      return errno == ECONNRESET;
  }
}

settings http_test::default_settings() {
  settings conf;
  conf.listen.address = "127.0.0.1:0";
  conf.auth.secret = test_secret;
  return conf;
}

void http_test::start(const settings& conf) {
  auto made = server::create(conf);
  ASSERT_TRUE(made) << made.error().detail;
  server_ = std::move(*made);
  sink_ = server_.get();
  auto bound = server_->start(engine_);
  ASSERT_TRUE(bound) << bound.error().detail;
  port_ = bound->port;
  operator_port_ = bound->operator_port;
}

void http_test::TearDown() {
  if (server_)
    server_->stop();
}

std::string http_test::token(const std::string& scope,
                             const std::string& tenant,
                             std::vector<std::string> projects) {
  auto auth = authenticator::create(default_settings().auth);
  return *auth->issue({tenant, "ann", scope, std::move(projects)},
                      std::chrono::system_clock::now());
}

std::string http_test::text_of(const std::string& method,
                               const std::string& target,
                               const std::string& body,
                               const std::string& headers,
                               const std::string& with_token) {
  auto text = method + " " + target + " HTTP/1.1\r\nHost: x\r\n" + headers;
  if (!with_token.empty())
    text += "Authorization: Bearer " + with_token + "\r\n";
  if (!body.empty() || method == "POST" || method == "PUT")
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return text + "\r\n" + body;
}

wire_reply http_test::ask(const std::string& method, const std::string& target,
                          const std::string& body, const std::string& headers,
                          const std::string& with_token) {
  wire_client client{port_};
  client.send(text_of(method, target, body, headers, with_token));
  return client.receive(method == "HEAD");
}

} // namespace callboard::test
