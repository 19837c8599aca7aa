#pragma once

#include "actors/model/problem.hpp"
#include "cli/client_options.hpp"
#include "cli/http_client.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace callboard {

/// Publishes events over HTTP, again and again until the node says what became
/// of them. Safe to repeat because every event has an id (see with_id()): what
/// a lost answer leaves open is applied once.
class event_publisher {
public:
  /// What became of one event: `seq` set = durable, `error` set = not applied,
  /// neither = ephemeral.
  struct outcome {
    std::string id;
    std::optional<std::uint64_t> seq;
    std::optional<problem> error;
  };

  /// @param patience How long one publish() goes on when the node is not there
  ///                 or says "not now".
  event_publisher(endpoints nodes, const std::string& token,
                  std::string_view project, std::chrono::milliseconds patience);

  /// Blocks until each of `events` (raw JSON objects with ids) has an outcome.
  /// errc::unavailable: patience is over, or stop() was called; the events are
  /// open then. Other codes: the node refused the request as a whole.
  result<std::vector<outcome>> publish(std::span<const std::string> events);

  /// Makes the publish() under way, and later ones, try once only. Any thread.
  void stop();

  /// Called before each wait for the next attempt.
  std::function<void(const problem&)> on_retry;

private:
  result<std::vector<outcome>>
  attempt(const std::vector<const std::string*>& events);

  /// False when it is time to give up.
  bool wait(std::chrono::milliseconds x);

  http_client http_;
  std::string target_;
  std::chrono::milliseconds patience_;
  std::mutex mutex_;
  std::condition_variable stopping_;
  bool stopped_ = false;
};

/// The event with an `id` of its own: as it is if it has one, else with a new
/// UUIDv7. errc::invalid if it is not a JSON object.
result<std::string> with_id(std::string_view event);

} // namespace callboard
