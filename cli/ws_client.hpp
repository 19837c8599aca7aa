#pragma once

#include "actors/model/problem.hpp"
#include "cli/client_options.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace callboard {

/// A WebSocket to one node. Blocking; for one thread at a time, except wake().
class ws_client {
public:
  ws_client();
  ~ws_client();

  ws_client(ws_client&&) noexcept;
  ws_client& operator=(ws_client&&) noexcept;

  /// Opens `/ws` plus `query` (such as "?batch=1"); the token goes in a header.
  /// errc::unavailable: nobody there; else what the node said to the upgrade.
  result<void> connect(const endpoint& target, const std::string& token,
                       const std::string& query = {});

  /// Sends one text message.
  result<void> send(std::string_view text);

  /// The next text message; nullopt if none comes within `patience` or wake()
  /// was called. Pings are answered meanwhile.
  /// errc::unauthenticated or forbidden when the node closed for that reason,
  /// errc::unavailable for every other end.
  result<std::optional<std::string>>
  receive(std::chrono::milliseconds patience);

  /// Lets receive() return. Any thread.
  void wake();

  /// Says good-bye (1000) without waiting for the answer.
  void close();

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace callboard
