#pragma once

#include "tests/cluster/history.hpp"
#include "tests/support/cluster_process.hpp"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

/// Clients that never give up: each belongs to one thread, goes to another node
/// when its own fails it, and writes down what it saw.
namespace callboard::test {

/// Lets the thread rest; ends early when it is to stop.
void rest(const std::stop_token& stop, std::chrono::milliseconds time);

/// Sends numbered events in small batches, the next batch when the one before
/// is answered. What was not answered, or with "try again", is sent
/// again under the same ids, also to other nodes, until it is.
class producer {
public:
  struct options {
    std::string name; ///< Unique; ids and runs begin with it.
    std::vector<std::string> projects;
    int node = 0;           ///< Where it begins.
    bool websocket = false; ///< Publishes there; else by HTTP.
    bool changes = true;    ///< Goes to another node when one fails it.
    std::chrono::milliseconds pace{5};         ///< Between two batches.
    std::chrono::milliseconds patience{4'000}; ///< For one answer.
    /// For the last batch, after it was told to stop.
    std::chrono::milliseconds last_attempts{20'000};
    int largest_batch = 8;
  };

  producer(const cluster_process& cluster, options opts);

  /// Until it is told to stop and the last batch is answered as well, so that
  /// nothing is under way afterwards.
  void work(const std::stop_token& stop);

  /// For the history; once, after work().
  history take();

  /// Batches that were answered as they should be.
  std::uint64_t successes() const {
    return successes_;
  }

private:
  struct sent_batch {
    std::string project;
    std::vector<std::string> ids;
    json::array events;
    bool single = false; ///< By HTTP, its answer is that of the event itself.
  };

  sent_batch next_batch();
  /// False: never answered.
  bool send_until_answered(const sent_batch& x, const std::stop_token& stop);
  /// Whether nothing of it has to be sent again.
  bool attempt_once(const sent_batch& x);
  bool attempt_by_http(const sent_batch& x, moment invoked);
  bool attempt_by_websocket(const sent_batch& x, moment invoked);
  /// Of all of it, with one outcome.
  void note_all(const sent_batch& x, moment invoked, fate outcome);
  /// `results` of an answer. @returns whether nothing has to be sent again.
  bool note_results(const sent_batch& x, moment invoked,
                    const json::array& results);
  void note(const sent_batch& x, const std::string& id, moment invoked,
            fate outcome, std::uint64_t seq = 0);
  void go_on_elsewhere();

  const cluster_process& cluster_;
  options opts_;
  int node_ = 0;
  std::uint64_t batches_ = 0;
  std::uint64_t events_ = 0;
  std::unique_ptr<http_client> http_;
  std::unique_ptr<ws_client> ws_;
  std::atomic<std::uint64_t> successes_ = 0;
  history seen_;
};

/// Watches one room over a WebSocket. When the connection ends it attaches
/// elsewhere with `since`.
class viewer {
public:
  struct options {
    std::string name;
    std::string project;
    int node = 0;
    bool changes = true; ///< Else it waits for its own node to come back.
    std::uint64_t since = 0;
  };

  viewer(const cluster_process& cluster, options opts);

  /// Until finish() was called and all is there, or it is told to stop.
  void work(const std::stop_token& stop);

  /// The room's last number: when it has that, it is done.
  void finish(std::uint64_t head) {
    head_ = head;
  }

  history take();

  std::uint64_t position() const {
    return position_;
  }

  /// Connections that ended and were replaced.
  int reconnects() const {
    return reconnects_;
  }

  /// Those of them that were announced: `goaway`, then close 1012.
  int goaways() const {
    return goaways_;
  }

  /// Connections that ended without that (others never came about).
  int untold() const {
    return untold_;
  }

private:
  void watch(const std::stop_token& stop);
  void note(const ws_message& x);
  bool done() const {
    return position_ >= head_;
  }

  static constexpr std::uint64_t unknown_head = ~std::uint64_t{0};

  const cluster_process& cluster_;
  options opts_;
  int node_;
  std::atomic<std::uint64_t> position_;
  std::atomic<std::uint64_t> head_{unknown_head};
  std::atomic<int> reconnects_{0};
  std::atomic<int> goaways_{0};
  std::atomic<int> untold_{0};
  bool told_to_go_ = false;
  viewing seen_;
};

/// Asks what is current: the detail of a run, which says the room's position
/// that it is true at; and where a new subscription begins.
class reader {
public:
  struct options {
    std::string name;
    std::string project;
    std::string run; ///< One that exists.
    int node = 0;
    bool changes = true;
    std::chrono::milliseconds pace{20};
    std::chrono::milliseconds patience{4'000};
  };

  reader(const cluster_process& cluster, options opts)
      : cluster_{cluster}, opts_{std::move(opts)}, node_{opts_.node} {
    // nop
  }

  void work(const std::stop_token& stop);

  /// Asks once; nothing when there was no answer that is told as current.
  std::optional<std::uint64_t> ask_detail();
  std::optional<std::uint64_t> ask_head();

  history take();

private:
  const cluster_process& cluster_;
  options opts_;
  int node_;
  history seen_;
};

/// What one event of a room is to the checker.
seen_event seen(const json::object& frame);

/// The whole history of a project's room as node i tells it; tries again while
/// the node says `unavailable`. @throws timed_out.
std::vector<seen_event>
read_room(const cluster_process& cluster, int i, const std::string& project,
          std::chrono::milliseconds limit = std::chrono::seconds{30});

} // namespace callboard::test
