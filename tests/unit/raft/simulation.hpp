#pragma once

#include "storage/raft/consensus.hpp"

#include "tests/unit/raft/simulated_node.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace callboard::test {

/// A way in which our side of the work could be wrong. Each must be found out.
enum class mutant : std::uint8_t {
  none,
  acknowledge_before_durable,
  acknowledge_unverified,
  vote_without_log_check,
  forget_votes,
  forget_dropped_log,
  read_without_majority,
};

/// Replicas of one group in one thread, with simulated time, FIFO links that
/// break, and disks that lose what is not synced. One seed is one history.
///
/// It carries out effects as a shard would, and checks after every step:
/// - no term has two leaders (election safety);
/// - entries of the same index and term are the same, as are all before them,
///   on whatever disk they are (log matching);
/// - a leader has what was committed before its term (leader completeness);
/// - what is committed stays, at its index, for ever, of any kind;
/// - what a leader says is committed is on the disks of a majority;
/// - replicas apply the same, without gap or repetition, from their flushed
///   state on, and nothing that is not on their disk;
/// - a leader that has applied its barrier has applied all that earlier leaders
///   committed;
/// - a read sees all that was committed when it was asked.
class simulation {
public:
  struct options {
    std::uint64_t seed = 1;
    std::uint64_t nodes = 3;
    std::uint64_t founders = 3; ///< The others are not members at first.
    double loss = 0;            ///< Part of the messages that break their link.
    std::uint64_t disk_us_min = 200, disk_us_max = 2000;
    std::uint64_t net_us_min = 200, net_us_max = 1500;
    std::uint64_t stream_us_min = 2'000, stream_us_max = 400'000;
    std::uint32_t election_ms = 300, heartbeat_ms = 60;
    std::uint32_t stuck_after_ms = 5000;
    bool flush_and_trim = true;
    bool trim_ahead = false; ///< Of slow followers, who then need the state.
    test::mutant mutant = mutant::none;
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
  void cut_one_way(std::uint64_t from, std::uint64_t to);
  void isolate(std::uint64_t node);
  void heal();
  void slow_disk(std::uint64_t node, std::uint64_t factor);
  void fill_disk(std::uint64_t node, bool full);
  void jump_clock(std::uint64_t node, std::int64_t ms);
  void slow_links(std::uint64_t net_us_max);
  /// From now on no message breaks its link by itself.
  void stop_loss();
  /// May change a message on its way; false from it drops the message.
  std::function<bool(std::uint64_t from, std::uint64_t to, std::string& bytes)>
    filter;

  // --- use ---
  std::uint64_t nodes() const {
    return opts_.nodes;
  }
  consensus& replica(std::uint64_t node);
  const simulated_disk& disk(std::uint64_t node) const;
  /// The leader with the highest term; 0: none.
  std::uint64_t leader() const;
  /// Proposes new commands, each unique with `more` behind it.
  /// @returns whether they were taken.
  bool propose(std::uint64_t node, const std::string& more = {},
               std::size_t count = 1);
  bool transfer(std::uint64_t node, std::uint64_t to = 0);
  /// The leader says who is in the group: who is not, drops its replica. It may
  /// be added again.
  void tell_removed(std::uint64_t leader);
  result<void> change(std::uint64_t node, member_action action,
                      std::uint64_t member);
  /// Whether the node took the read.
  bool read(std::uint64_t node);
  log_index applied(std::uint64_t node) const;
  std::uint64_t random(std::uint64_t low, std::uint64_t high);

  /// One line per node, for messages of failed tests.
  std::string describe() const;

  // --- what happened ---
  std::uint64_t commands_committed() const {
    return commands_committed_;
  }
  std::uint64_t reads_answered = 0;
  std::uint64_t states_installed = 0;
  std::uint64_t replicas_dropped = 0;
  std::uint64_t leaderships() const {
    return leaders_.size();
  }
  /// What was checked and found wrong.
  std::vector<std::string> violations;

private:
  using link = std::pair<std::uint64_t, std::uint64_t>;
  struct event {
    std::uint64_t time;
    std::uint64_t order;
    std::function<void()> what;

    friend bool operator<(const event& a, const event& b) {
      return a.time != b.time ? a.time > b.time : a.order > b.order;
    }
  };
  struct written_entry {
    std::string identity;
    raft_term term_before; ///< 0: unknown
  };

  // --- simulation_life.cpp: a replica's life ---
  void boot(simulated_node& x);
  void tick(simulated_node& x, std::uint64_t life);
  void carry_out(simulated_node& x, const effects& fx);
  void write(simulated_node& x, const effects& fx);
  void start_write(simulated_node& x);
  void finish_write(simulated_node& x);
  void complete(simulated_node& x, simulated_node::write& write);
  void send(simulated_node& x, const raft_message_out& message);
  void falsify(const simulated_node& x, std::string& bytes) const;
  void hear_removed(simulated_node& x, raft_term term);
  void deliver(link way, const std::string& bytes);
  void stream_state(simulated_node& x, const state_request& request);
  void flush_and_trim(simulated_node& x);
  void break_session(link way);
  std::uint64_t now_ms(const simulated_node& x) const;

  // --- simulation_checks.cpp ---
  void check_written(const simulated_node& x, const log_entry& entry);
  void check_applied(simulated_node& x, const log_entry& entry);
  void check_commit(simulated_node& x);
  void check_majority(const simulated_node& x);
  void check_leader(simulated_node& x);
  void check_completeness(const simulated_node& x);
  void check_read(const simulated_node& x, log_index floor,
                  const read_outcome& outcome);
  void wrong(const std::string& what);

  simulated_node& at_node(std::uint64_t node);
  const simulated_node& at_node(std::uint64_t node) const;

  options opts_;
  std::mt19937_64 engine_;
  std::uint64_t now_ = 0;
  std::uint64_t events_ = 0;
  std::priority_queue<event> queue_;
  std::vector<std::unique_ptr<simulated_node>> nodes_;
  std::set<link> cut_;
  std::map<link, std::uint64_t> sessions_;
  std::map<link, std::uint64_t> arrivals_;

  std::map<std::uint64_t, std::string> committed_; ///< What is at each index.
  struct commitment {
    raft_term term;         ///< Of the entry.
    raft_term committed_in; ///< The first of whoever took it for committed.
  };
  std::map<std::uint64_t, commitment> commitments_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, written_entry> written_;
  std::map<std::uint64_t, std::uint64_t> leaders_; ///< By term.
  log_index acknowledged_; ///< The highest that any leader committed.
  std::uint64_t next_command_ = 1;
  std::uint64_t commands_committed_ = 0;
};

} // namespace callboard::test
