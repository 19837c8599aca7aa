#pragma once

#include "actors/model/ids.hpp"
#include "actors/model/problem.hpp"
#include "actors/model/shared_bytes.hpp"
#include "storage/raft/effects.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace callboard {

/// What to do with a member of a group.
enum class member_action : std::uint8_t {
  add,     ///< As a non-voter: it gets the state and the log.
  promote, ///< A non-voter that has caught up becomes a voter.
  demote,  ///< A voter becomes a non-voter.
  remove,
};

/// How far a member is, as the leader sees it.
struct member_progress {
  group_member member;
  log_index match; ///< Its log is the leader's up to here.
  /// Since its last message of any kind. Nothing: none came yet.
  std::optional<std::uint64_t> silent_ms;
};

/// One replica of one Raft group: events in, effects out; no I/O, no clock, no
/// thread of its own. Entered by one thread at a time. docs/architecture.md
/// ("How a shard drives its group") says what its owner and the link owe it.
///
/// Time is in milliseconds and only its differences matter; if it jumps back,
/// the replica goes on from where it was.
class consensus {
public:
  struct options {
    node_number self;
    std::uint32_t group = 0;
    std::uint32_t election_timeout_ms = 500;
    std::uint32_t heartbeat_ms = 100;
    /// Resolution of its time. If ticks come on multiples of it, the heartbeats
    /// of all groups of a node are sent at the same moments.
    std::uint32_t time_step_ms = 1;
    std::uint32_t max_inflight_entries = 8192;
    /// A member counts as caught up when it lacks no more entries than this.
    std::uint32_t caught_up_entries = 1024;
    /// A group that could make progress and makes none for this long gets its
    /// Raft instance made anew from the log; the next time after twice as long.
    std::uint32_t stuck_after_ms = 5000;
    std::uint32_t random_seed = 1;
  };

  virtual ~consensus() = default;

  // --- events ----------------------------------------------------------------

  /// First call. `found` as loaded, or with no entries and no term for a new
  /// group, which `bootstrap` (its first members) then creates. A node that
  /// joins a group starts with neither, and waits to be added.
  virtual const effects& start(restored_log found,
                               std::span<const group_member> bootstrap,
                               std::uint64_t now_ms)
    = 0;

  /// At next_tick_ms() or soon after; earlier does no harm.
  virtual const effects& tick(std::uint64_t now_ms) = 0;

  /// When that is, in the caller's time: as of the last call of any of these,
  /// and whatever comes meanwhile. At most a heartbeat's interval ahead.
  virtual std::uint64_t next_tick_ms() const = 0;

  /// The batch of `done` and everything before it is synced.
  virtual const effects& durable(ticket done, std::uint64_t now_ms) = 0;

  /// Appends commands; they get the indexes up to last_index(). Only while
  /// leading() and not transferring(); errc::unavailable otherwise.
  virtual result<const effects*> propose(std::span<const shared_bytes> payloads,
                                         std::uint64_t now_ms)
    = 0;

  result<const effects*> propose(shared_bytes payload, std::uint64_t now_ms) {
    return propose(std::span<const shared_bytes>{&payload, 1}, now_ms);
  }

  /// A message of another replica. Garbage is dropped. A message for which
  /// described_state() finds a state may be handed in only when that state is
  /// staged completely; durably so, if effects::install follows.
  virtual const effects& receive(node_number from, std::string_view bytes,
                                 std::uint64_t now_ms)
    = 0;

  /// Is what this replica has applied current? effects::reads has the answer,
  /// in this or a later call: a majority has said since that nobody else leads.
  /// One round of messages serves all reads that wait. errc::unavailable when
  /// not leading; a leader that has not committed its barrier yet makes the
  /// read wait for that.
  virtual result<const effects*> read(read_ticket& asked, std::uint64_t now_ms)
    = 0;

  /// Hands leadership to `to`, or to the voter that is furthest if 0. Accepts
  /// no proposals meanwhile; if nothing came of it after an election time-out,
  /// this replica goes on leading.
  /// errc::unavailable: not leading, `to` is silent or far behind, or another
  /// transfer is under way. errc::invalid: not a voter, or this replica itself.
  virtual result<const effects*> transfer(node_number to, std::uint64_t now_ms)
    = 0;

  /// Changes the members, one at a time. Done when configuration_at(applied)
  /// says so; undone when another leader never had it.
  /// errc::unavailable: not leading, or not settled yet, or a voter is silent
  /// or far behind (other than the one that is demoted or removed), or the one
  /// to promote is. errc::conflict: a change or transfer is under way; it is a
  /// member (voter, non-voter) already; it is the leader itself (transfer
  /// first); it is the last voter. errc::not_found: no such member.
  virtual result<const effects*> change(member_action action, node_number node,
                                        std::uint64_t now_ms)
    = 0;

  /// Everything up to `applied` is durable in the state store and the log
  /// behind `keep_from` may be forgotten: releases the cache. Storage is
  /// trimmed by the caller, afterwards.
  virtual void trim(log_index keep_from) = 0;

  // --- bringing the state to a follower --------------------------------------

  /// For the state that answers a state_request, pinned when it was applied up
  /// to `applied`: the message to hand to the follower's replica behind the
  /// last byte. errc::unavailable when the request is void.
  virtual result<std::string> describe_state(stream_id stream,
                                             log_index applied)
    = 0;

  /// The stream of a state_request ended, well or not. If the follower still
  /// needs the state there will be another request.
  virtual void stream_ended(stream_id stream) = 0;

  // --- state -----------------------------------------------------------------

  /// A leader may decide (check commands against its state) only once it has
  /// applied everything up to barrier_index().
  virtual bool leading() const noexcept = 0;
  /// Leads, but is handing over: refuses proposals.
  virtual bool transferring() const noexcept = 0;
  virtual node_number leader() const noexcept = 0; ///< 0: unknown.
  virtual raft_term term() const noexcept = 0;
  /// The entry that the present leadership began with: when it is in
  /// effects::apply, the state holds all that earlier leaders committed. 0: not
  /// leading.
  virtual log_index barrier_index() const noexcept = 0;
  virtual log_index commit_index() const noexcept = 0;
  virtual log_index last_index() const noexcept = 0;
  /// Where the log ends, on the disk or on its way there, or ended before what
  /// was in it was dropped, if that is later. Must outlive the replica when it
  /// is dropped: others may have counted on its entries, and it must not help
  /// to elect somebody who lacks them (restored_log::dropped).
  virtual log_position log_end() const noexcept = 0;
  virtual raft_term
  term_at(log_index index) const noexcept = 0; ///< 0: not kept.
  /// The latest configuration at or before `index`, encoded, and its index.
  virtual std::pair<log_index, std::string>
  configuration_at(log_index index) const = 0;
  /// As of the last configuration in the log, committed or not.
  virtual std::vector<group_member> members() const = 0;
  /// The other members, if leading(): for the log's trim and for operators.
  virtual std::vector<member_progress> progress() const = 0;
  /// How often the Raft instance was made anew because nothing moved.
  virtual std::uint64_t rebuilds() const noexcept = 0;
};

/// The implementation over cowsql/raft 0.22.1 (raft_step).
std::unique_ptr<consensus> make_raft_consensus(const consensus::options& opts);

/// The state that a message between replicas of `group` describes; nullopt for
/// messages of every other kind and for garbage.
std::optional<state_descriptor> described_state(std::uint32_t group,
                                                std::string_view bytes);

} // namespace callboard
