#pragma once

#include "actors/model/problem.hpp"
#include "cli/client_options.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace callboard {

/// What a node answered.
struct node_reply {
  int status = 0;
  std::string body;
  std::chrono::seconds retry_after{0};
};

/// Calls to one node, one after the other over one kept connection. Where there
/// are several nodes, the call after one that failed (no answer, or 503) goes
/// to the next. Blocking; for one thread at a time.
class http_client {
public:
  http_client(endpoints nodes, std::string token,
              std::chrono::milliseconds timeout = std::chrono::seconds{30});
  ~http_client();

  http_client(http_client&&) noexcept;
  http_client& operator=(http_client&&) noexcept;

  /// What the node answered, whatever the status.
  /// errc::unavailable: no answer (the request may or may not have been
  /// applied).
  result<node_reply> call(std::string_view method, std::string_view target,
                          std::string_view body = {},
                          std::string_view content_type = "application/json");

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// The problem that a reply with an error status describes.
problem problem_of(const node_reply& reply);

} // namespace callboard
