#pragma once

#include "cli/event_publisher.hpp"

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace callboard {

/// What a run has to tell, on its way to the node: a queue and a thread that
/// publishes it in order, in batches, through node restarts.
///
/// The queue has a bound in bytes. Past it full() says so and the runner stops
/// reading its steps' output, so that they wait; the few events about states
/// are taken all the same.
class outbox {
public:
  static constexpr std::size_t max_bytes = 8u << 20;

  struct counts {
    std::uint64_t published = 0; ///< Durable, or passed on.
    std::uint64_t refused = 0;
    std::uint64_t dropped = 0; ///< Ephemeral ones that nobody waited for.
    std::uint64_t last_seq = 0;
  };

  /// `wake` is called, from the thread, when full(), lost() or idle() may have
  /// changed.
  outbox(event_publisher& to, std::function<void()> wake);
  ~outbox();

  /// Takes a durable event: raw JSON with an id.
  void push(std::string event);

  /// Takes an ephemeral event, or drops it when there is much to do already.
  void push_ephemeral(std::string event);

  bool full() const;

  /// Why publishing has ended for good; nullopt: it has not.
  std::optional<problem> lost() const;

  /// Whether all is published, or lost.
  bool idle() const;

  counts count() const;

private:
  void work();
  std::vector<std::string> take_batch(); // mutex_ is held
  void account(const std::vector<event_publisher::outcome>& outcomes);

  event_publisher& to_;
  std::function<void()> wake_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> queue_;
  std::size_t bytes_ = 0; // of queue_ and of the batch under way
  bool ending_ = false;
  counts counts_;
  std::optional<problem> lost_;
  std::thread thread_;
};

} // namespace callboard
