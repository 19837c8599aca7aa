#pragma once

#include "actors/directory_orders.hpp"
#include "actors/messages.hpp"
#include "actors/node_context.hpp"
#include "actors/replica_load.hpp"
#include "storage/raft/consensus.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace callboard {

/// Drives this node's replica of one group, if there is one: gives it events
/// and carries its effects out, in their order, through the log writer, the
/// state writer and the links. Used by the actor of that group only
/// (docs/architecture.md, "How a shard drives its group").
class shard_raft {
public:
  /// Sums since start, for operators.
  struct figures {
    std::uint64_t leadership_changes = 0, states_sent = 0, states_received = 0,
                  digests_compared = 0, digest_mismatches = 0, outliers = 0,
                  replicas_dropped = 0;
  };

  /// What the others of the group hold, as the leader knows.
  struct digest_row {
    log_index applied;
    std::uint64_t digest = 0;
  };

  shard_raft(node_context& node, shard_id shard);
  /// Ends the streams, which use the node's stores.
  ~shard_raft();

  shard_raft(const shard_raft&) = delete;
  shard_raft& operator=(const shard_raft&) = delete;

  /// Lets a reader look for what is on the disk; if there is anything, or the
  /// node was in the cluster from the start, replica_loaded begins with it.
  /// Messages are dropped until then. `me` hears of that and of progress.
  void start(storage_listener me);

  /// `f` is called when more is committed (committed_of()), before the state
  /// writer hears of it. It must not call this object's non-const functions.
  void on_committed(std::function<void()> f) {
    committed_told_ = std::move(f);
  }

  /// Whether there is a replica here.
  bool started() const noexcept {
    return raft_ != nullptr;
  }

  void tick(std::uint64_t now_ms);
  /// When that should be next; if there is a replica.
  std::uint64_t next_tick_ms() const {
    return raft_ ? raft_->next_tick_ms() : UINT64_MAX;
  }

  /// Appends one command. @returns its index.
  result<log_index> propose(shared_bytes payload, std::uint64_t now_ms);

  /// A message for the replica of this group; true: it was one.
  bool receive(node_number from, remote::message& x, std::uint64_t now_ms);
  /// Streams to and from that node are void.
  void peer_gone(node_number node);
  /// The applied members, as the leader of that term says: who is not among
  /// them, and not wanted, drops its replica.
  void hear_members(const remote::leader_notice& x);

  /// A disk that cannot be read ends the process; with one that is full it is
  /// tried again until there is room.
  void handle(const replica_loaded& x, std::uint64_t now_ms);
  void handle(export_pinned& x);
  void handle(const log_durable& x, std::uint64_t now_ms);
  /// The state is applied up to here.
  void handle(const state_applied& x);
  /// The state is durable up to here: asks for a trim of the log.
  void handle(const state_flushed& x);
  void handle(const state_installed& x, std::uint64_t now_ms);
  void handle(const state_wiped& x);
  void handle(state_staged& x, std::uint64_t now_ms);
  void handle(const stream_over& x);
  void handle(const state_pinned& x);
  void handle(const digest_made& x);

  /// Asks for a moment at which all that was acknowledged before is known
  /// here; taken with take_reads(). Only while ready().
  result<read_ticket> read(std::uint64_t now_ms);
  /// Outcomes since the last call: answer when applied() is that far.
  std::vector<read_outcome> take_reads();

  /// See consensus.
  result<void> transfer(node_number to, std::uint64_t now_ms);
  /// One step of the group towards what the map wants. @returns whom to hand
  /// the leadership to, if that is the step.
  std::optional<node_number> move_towards(const placement& wanted,
                                          std::uint64_t now_ms);
  /// What it did last towards there, for operators; empty: nothing to do.
  const std::string& move() const noexcept {
    return move_;
  }

  /// Leader: lets all replicas compute their digest at one entry. Not while
  /// nothing was written since the last time, unless `anyway`.
  void check_digests(std::uint64_t now_ms, bool anyway = false);

  /// This replica itself was found to differ from most: it must not lead.
  bool differs() const {
    return outliers_.contains(node_.self.load());
  }
  /// Who should lead instead: the voter that has most of the log, is heard and
  /// does not differ.
  std::optional<node_number> heir() const;
  /// A change of the map that this replica wants: that one that differs is
  /// taken out, or that this node gets one again in place of what was taken
  /// from it. About once a second, until the map shows it.
  std::optional<map_order> wish(std::uint64_t now_ms);

  /// How long the last digest took here.
  std::uint64_t digest_us() const noexcept {
    return digest_us_;
  }

  /// Leads, and has applied everything that came before its term: may decide.
  bool ready() const noexcept {
    return raft_ && raft_->leading() && raft_->barrier_index() != log_index{}
           && applied_ >= raft_->barrier_index();
  }

  /// ready(), and new commands are taken.
  bool takes_commands() const noexcept {
    return ready() && !raft_->transferring();
  }

  /// Appends that are not synced yet.
  std::size_t unsynced() const noexcept {
    return unsynced_.size();
  }

  log_index applied() const noexcept {
    return applied_;
  }

  /// Leading in that term: up to here entries are committed, those of the term
  /// among them. 0: not leading, or none of the term's is.
  log_index committed_of(raft_term term) const noexcept {
    return raft_ && raft_->leading() && raft_->term() == term
               && committed_term_ == term
             ? committed_
             : log_index{};
  }

  /// Only if started().
  const consensus& raft() const noexcept {
    return *raft_;
  }

  /// This node's number in the group.
  node_number raft_self() const noexcept {
    return node_.self;
  }

  const figures& sums() const noexcept {
    return sums_;
  }
  const std::map<node_number, digest_row>& digests() const noexcept {
    return digests_;
  }
  /// Replicas whose state differs from that of most, with the version of the
  /// map that was known when it was found.
  const std::map<node_number, std::uint64_t>& outliers() const noexcept {
    return outliers_;
  }

private:
  struct unsynced_append {
    ticket after;
    std::vector<raft_message_out> messages; // that promise what is in it
    std::optional<state_descriptor> install;
  };

  using replica_loader = std::function<loaded_replica(node_context&)>;
  void load(replica_loader how);
  void read_disk(bool again);
  void load_later(const problem& why, std::uint64_t now_ms);
  void join();
  void carry_out(const effects& x);
  void persist(const effects& x);
  void send(const std::vector<raft_message_out>& messages);
  void apply(const std::vector<log_entry>& entries);
  void apply_if_due();
  void apply_all();
  void report_durable(std::uint64_t now_ms);
  void begin_stream(const state_request& x);
  void end_streams();
  bool receive_stream(node_number from, remote::message& x);
  bool receive_state(node_number from, const remote::state_description& x);
  void note_digest(node_number node, log_index applied, std::uint64_t digest);
  log_index keep_behind(log_index upto) const;
  /// Who was silent for longer counts as lost.
  std::uint64_t heard_within_ms() const noexcept {
    return 2
           * static_cast<std::uint64_t>(
             node_.conf.cluster.election_timeout.count());
  }

  node_context& node_;
  shard_id shard_;
  storage_listener me_;
  std::unique_ptr<consensus> raft_;
  log_index stored_last_; // last entry that was sent to the log
  log_index committed_;
  raft_term committed_term_;
  std::function<void()> committed_told_;
  log_index applied_;
  log_index trimmed_;
  std::deque<unsynced_append> unsynced_; // in the order of their tickets
  std::vector<log_entry> to_apply_;      // committed
  std::size_t to_apply_bytes_ = 0;
  ticket synced_;              // by the log; maybe not reported yet
  bool installing_ = false;    // the front of unsynced_
  std::optional<bool> looked_; // at the disk, as a founder of the group or not
  bool loading_ = false;
  replica_loader loader_;
  std::optional<std::uint64_t> load_at_ms_; // again, as the disk was full
  bool look_again_ = false;                 // when that is done
  bool wiping_ = false;
  std::vector<read_outcome> reads_;

  struct outgoing {
    node_number to;
    log_index at_least;
    move_slots::slot slot; // until there is a sender
    caf::actor sender;     // null: a reader pins the state
  };
  struct incoming {
    node_number from;
    stream_id stream;
    caf::actor receiver;
  };
  std::unordered_map<stream_id, outgoing> outgoing_;
  std::optional<incoming> incoming_;

  std::string move_;
  std::uint64_t next_step_ms_ = 0;
  std::map<node_number, digest_row> digests_; // at the last check
  log_index checked_;
  log_index differed_; // the last check at which digests differed
  std::map<node_number, std::uint64_t> outliers_;
  std::uint64_t next_wish_ms_ = 0;
  std::uint64_t digest_us_ = 0;
  figures sums_;
};

/// The replica for operators: a JSON object, and its members for one that has
/// more to say (without the last brace if `open`).
std::string replica_json(const shard_raft& x, shard_id shard,
                         bool open = false);

} // namespace callboard
