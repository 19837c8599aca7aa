#pragma once

#include "actors/engine.hpp"
#include "storage/state_store.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace callboard {

/// One queue: the pending runs of one workflow in one project.
struct queue_key {
  room_key room;
  std::string name;

  friend auto operator<=>(const queue_key&, const queue_key&) = default;
};

/// A worker that waits for a run.
struct taker {
  reply_address to;
  std::string worker;
  std::int64_t until_ms = 0; ///< Then it is told that there is none.
};

/// The queues of one shard, on its leader: brings waiting runs and waiting
/// workers together, the oldest run first, the longest-waiting worker first.
/// Whether a run may still be taken is decided by the run itself; this class
/// only makes sure that each run is offered to one worker at a time. Plain
/// logic: what is to be done comes back in an outbox.
///
/// Memory: the oldest runs of each queue that is asked for, up to `window`;
/// what is behind them is read from the store when these are gone. Queues that
/// nobody asks for cost nothing.
class dispatch_queues {
public:
  struct limits {
    std::size_t window = 256;
    std::size_t waiting = 10'000; ///< Takers per project.
  };

  /// A run that `who` shall have, if the run agrees: answer with granted(),
  /// put_back() or refused().
  struct grant {
    queue_key queue;
    taker who;
    queued_run run;
  };

  struct outbox {
    std::vector<queue_key> loads; ///< Read these queues: answer with loaded().
    std::vector<grant> grants;
    std::vector<taker> in_vain; ///< Waited long enough.
  };

  explicit dispatch_queues(limits x) noexcept : limits_{x} {
    // nop
  }

  /// errc::rate_limited when too many wait already.
  result<void> wait(const queue_key& queue, taker who, std::int64_t now_ms,
                    outbox& out);

  /// The taker is gone. False: it does not wait here.
  bool stop(const room_key& room, const reply_address& who);

  /// All takers that came from that node are gone with it.
  void stop_all(node_number node);

  /// The beginning of the queue as the store has it, from a view that is not
  /// older than the load that asked for it.
  void loaded(const queue_key& queue, const queue_page& page,
              std::int64_t now_ms, outbox& out);

  /// The store has a run in this queue from now on.
  void queued(const queue_key& queue, queued_run run, std::int64_t now_ms,
              outbox& out);

  /// The run is the worker's.
  void granted(const grant& x);

  /// Nobody could decide about it: it is offered again, to whoever waits. The
  /// worker is told by the caller.
  void put_back(const grant& x);

  /// It was not to be taken (any more): the worker waits again, at the front.
  void refused(grant x, std::int64_t now_ms, outbox& out);

  /// Time-outs; forgets queues that nobody has asked for in a while.
  void tick(std::int64_t now_ms, outbox& out);

  /// Forgets everything. @returns who waited.
  std::vector<taker> clear();

  std::size_t waiting() const noexcept {
    return waiting_total_;
  }

private:
  struct waiting_line {
    std::set<queued_run> ready; ///< The oldest; all, unless `more`.
    std::set<run_id> offered;   ///< Granted, not yet decided.
    std::deque<taker> takers;
    bool more = true; ///< The store may have others behind `ready`.
    bool loading = false;
    std::int64_t last_use_ms = 0;
  };

  using place = std::map<queue_key, waiting_line>::iterator;

  void match(place at, std::int64_t now_ms, outbox& out);
  void keep_within_window(waiting_line& x) const;
  void left(const room_key& room, std::size_t takers = 1);

  limits limits_;
  std::map<queue_key, waiting_line> queues_;
  std::unordered_map<room_key, std::size_t> waiting_; // takers by project
  std::size_t waiting_total_ = 0;
};

} // namespace callboard
