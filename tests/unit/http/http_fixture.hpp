#pragma once

#include "actors/model/json.hpp"
#include "transport/server.hpp"

#include "tests/unit/http/fake_engine.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace callboard::test {

/// A reply as it came off the wire. Header names are in lower case.
struct wire_reply {
  int status = 0;
  std::map<std::string, std::string> headers;
  std::string body;

  std::string header(const std::string& name) const {
    auto found = headers.find(name);
    return found == headers.end() ? std::string{} : found->second;
  }

  /// A member of the body, as raw JSON without quotes; "" if it is not there.
  std::string member(std::string_view name) const;
};

/// A blocking client that speaks bytes, so that tests can send anything.
class wire_client {
public:
  explicit wire_client(std::uint16_t port);
  ~wire_client();
  wire_client(const wire_client&) = delete;
  wire_client& operator=(const wire_client&) = delete;

  void send(std::string_view bytes);

  /// The next reply (of a HEAD request: without body); fails the test at EOF or
  /// after ten seconds.
  wire_reply receive(bool head_only = false);

  /// Whether the server closes the connection within ten seconds. What it sends
  /// before is dropped.
  bool closed();

private:
  std::string line();
  bool fill();

  int fd_ = -1;
  std::string in_;
};

constexpr std::string_view test_secret
  = "a secret of at least thirty-two bytes!";

/// A server on a free loopback port, with a fake engine behind it.
class http_test : public ::testing::Test {
protected:
  static settings default_settings();

  void start(const settings& conf = default_settings());
  void TearDown() override;

  /// A token of tenant "t1" with these scopes, and projects if any.
  static std::string token(const std::string& scope
                           = "publish subscribe operate",
                           const std::string& tenant = "t1",
                           std::vector<std::string> projects = {});

  /// One request on a connection of its own. `headers` are whole lines.
  wire_reply ask(const std::string& method, const std::string& target,
                 const std::string& body = {}, const std::string& headers = {},
                 const std::string& with_token = token());

  static std::string text_of(const std::string& method,
                             const std::string& target, const std::string& body,
                             const std::string& headers,
                             const std::string& with_token);

  std::uint16_t port_ = 0;
  std::uint16_t operator_port_ = 0;
  edge_sink* sink_ = nullptr;
  fake_engine engine_{sink_};
  std::unique_ptr<server> server_;
};

/// Waits until `f` holds, for ten seconds at most.
template <class F>
bool eventually(F f) {
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
  while (!f()) {
    if (std::chrono::steady_clock::now() > deadline)
      return false;
    std::this_thread::yield();
  }
  return true;
}

} // namespace callboard::test
