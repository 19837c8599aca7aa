#pragma once

#include "storage/raft/consensus.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace callboard::test {

/// What a replica would find on its disk: synced batches only.
struct simulated_disk {
  hard_state hard;
  std::map<std::uint64_t, log_entry> log;
  log_index trimmed;
  raft_term trimmed_term;
  std::pair<log_index, std::string> trimmed_configuration;
  log_index
    flushed; ///< Applied index of the state store, as of its last flush.
};

/// Replicas of one group in one thread, with simulated time, FIFO links that
/// break, and disks that lose what is not synced. One seed is one history.
///
/// It carries out effects as a shard would, and checks all the time:
/// - replicas apply the same entries at the same index, for ever;
/// - a replica applies without gap or repetition, from its flushed state on;
/// - no term has two leaders;
/// - a leader that has applied its barrier has applied all that earlier leaders
///   committed.
class simulation {
public:
  struct options {
    std::uint64_t seed = 1;
    std::uint64_t nodes = 3;
    double loss = 0; ///< Of messages.
    std::uint64_t disk_us_min = 200, disk_us_max = 2000;
    std::uint64_t net_us_min = 200, net_us_max = 1500;
    bool flush_and_trim = true;
  };

  explicit simulation(const options& opts);
  ~simulation();

  // --- time; all in microseconds, nodes are numbered from 1 ---
  std::uint64_t now() const {
    return now_;
  }
  void run_for(std::uint64_t us);
  /// @returns whether `done` came true within `us`.
  bool run_until(const std::function<bool()>& done, std::uint64_t us);
  void at(std::uint64_t time, std::function<void()> what);

  // --- faults ---
  void crash(std::uint64_t node);
  void restart(std::uint64_t node);
  bool up(std::uint64_t node) const;
  /// Breaks the link both ways; what is under way is lost.
  void cut(std::uint64_t a, std::uint64_t b);
  void isolate(std::uint64_t node);
  void heal();
  void slow_disk(std::uint64_t node, std::uint64_t factor);
  /// May change a message on its way; false from it drops the message.
  std::function<bool(std::uint64_t from, std::uint64_t to, std::string& bytes)>
    filter;

  // --- use ---
  consensus& replica(std::uint64_t node);
  const simulated_disk& disk(std::uint64_t node) const;
  /// The leader with the highest term; 0: none.
  std::uint64_t leader() const;
  /// Proposes a new command, unique with `more` behind it.
  /// @returns whether it was taken.
  bool propose(std::uint64_t node, const std::string& more = {});
  log_index applied(std::uint64_t node) const;
  std::uint64_t commands_committed() const {
    return commands_committed_;
  }
  std::uint64_t random(std::uint64_t low, std::uint64_t high);

  /// One line per node, for messages of failed tests.
  std::string describe() const;

  /// What was checked and found wrong.
  std::vector<std::string> violations;

private:
  struct node_state;
  struct event {
    std::uint64_t time;
    std::uint64_t order;
    std::function<void()> what;

    friend bool operator<(const event& a, const event& b) {
      return a.time != b.time ? a.time > b.time : a.order > b.order;
    }
  };

  void boot(node_state& x);
  void tick(node_state& x, std::uint64_t life);
  void carry_out(node_state& x, const effects& fx);
  void start_write(node_state& x);
  void finish_write(node_state& x);
  void send(node_state& x, const raft_message_out& message);
  void apply(node_state& x, const log_entry& entry);
  void flush_and_trim(node_state& x);
  void check_leader(node_state& x);
  void wrong(const std::string& what);
  node_state& at_node(std::uint64_t node);
  const node_state& at_node(std::uint64_t node) const;
  std::uint64_t now_ms() const {
    return 1000 + now_ / 1000;
  }

  const options opts_;
  std::mt19937_64 engine_;
  std::uint64_t now_ = 0;
  std::uint64_t events_ = 0;
  std::priority_queue<event> queue_;
  std::vector<std::unique_ptr<node_state>> nodes_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> cut_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> sessions_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> arrivals_;
  std::map<std::uint64_t, std::string> committed_; ///< What is at each index.
  std::map<std::uint64_t, std::uint64_t> committed_terms_;
  std::map<std::uint64_t, std::uint64_t> leaders_; ///< By term.
  std::uint64_t next_command_ = 1;
  std::uint64_t commands_committed_ = 0;
};

} // namespace callboard::test
