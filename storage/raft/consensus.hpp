#pragma once

#include "actors/model/ids.hpp"
#include "actors/model/problem.hpp"
#include "actors/model/shared_bytes.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace callboard {

/// What must survive of a replica's votes.
struct hard_state {
  raft_term term;
  node_number voted_for; ///< 0: nobody.

  friend bool operator==(const hard_state&, const hard_state&) = default;
};

/// The numbers are stored.
enum class entry_kind : std::uint8_t { command = 1, barrier = 2, change = 3 };

/// One entry of the Raft log. `payload` is a slice of `block`, which log cache,
/// batch and messages share.
struct log_entry {
  log_index index;
  raft_term term;
  entry_kind kind = entry_kind::command;
  std::string_view payload;
  std::shared_ptr<const void> block;
};

/// A member of a group.
struct group_member {
  node_number node;
  bool voter = true;

  friend bool operator==(const group_member&, const group_member&) = default;
};

/// What a replica finds on its disk when it starts.
struct restored_log {
  hard_state hard;
  std::vector<log_entry> entries; ///< Contiguous; may begin after 1 (trimmed).
  /// Of the entry before the first of `entries`, which was trimmed. 0: none
  /// was.
  raft_term term_before_entries;
  /// What stands for the trimmed part: the state store's durable applied index
  /// ("virtual snapshot"), its term, and the latest configuration up to there
  /// (encoded by consensus). index 0: nothing applied yet.
  log_index snapshot_index;
  raft_term snapshot_term;
  log_index configuration_index;
  std::string configuration;
};

/// Names a batch of appends; durable{ticket} reports it synced. Increasing.
using ticket = number<struct ticket_tag>;

/// Bytes for another replica of the group.
struct raft_message_out {
  node_number to;
  std::string bytes;
};

/// What one step demands, to be carried out in the order of the members. Valid
/// until the next call on the same consensus.
struct effects {
  std::optional<hard_state> hard;      ///< 1. term and vote, into the batch
  std::optional<log_index> erase_from; ///< 2. drop this and later, likewise
  log_index erase_last; ///<    the last one there is to drop, if erase_from
  std::vector<log_entry> append; ///< 3. into the same batch
  /// Report durable(after) when the batch is synced, `after_sync` having been
  /// sent before. 0: nothing to persist.
  ticket after;
  std::vector<raft_message_out> now; ///< 4. may leave at once
  std::vector<raft_message_out>
    after_sync; ///< 5. only after the sync of `after`
  /// 6. Committed and durable here, in order and without gap, beginning after
  /// restored_log::snapshot_index; entries of every kind.
  std::vector<log_entry> apply;
  bool leadership_changed = false; ///< 7. look at leading() and term() again
};

/// One replica of one Raft group: events in, effects out; no I/O, no clock, no
/// thread of its own. Entered by one thread at a time.
class consensus {
public:
  struct options {
    node_number self;
    std::uint32_t group = 0;
    std::uint32_t election_timeout_ms = 500;
    std::uint32_t heartbeat_ms = 100;
    std::uint32_t max_inflight_entries = 8192;
    std::uint32_t random_seed = 1;
  };

  virtual ~consensus() = default;

  /// First call. `found` as loaded, or with no entries and no term for a new
  /// group, which `bootstrap` (its first members) then creates.
  virtual const effects& start(restored_log found,
                               std::span<const group_member> bootstrap,
                               std::uint64_t now_ms)
    = 0;

  /// Every 10 ms or so.
  virtual const effects& tick(std::uint64_t now_ms) = 0;

  /// The batch of `done` and everything before it is synced.
  virtual const effects& durable(ticket done, std::uint64_t now_ms) = 0;

  /// Appends one command. Only while leading(); errc::unavailable otherwise.
  virtual result<const effects*> propose(shared_bytes payload,
                                         std::uint64_t now_ms)
    = 0;

  /// A message of another replica. Garbage is dropped.
  virtual const effects& receive(node_number from, std::string_view bytes,
                                 std::uint64_t now_ms)
    = 0;

  /// Everything up to `applied` is durable in the state store and the log
  /// behind `keep_from` may be forgotten: releases the cache. Storage is
  /// trimmed by the caller, afterwards.
  virtual void trim(log_index keep_from) = 0;

  /// A leader may decide (check commands against its state) only once it has
  /// applied everything up to barrier_index().
  virtual bool leading() const noexcept = 0;
  virtual node_number leader() const noexcept = 0; ///< 0: unknown.
  virtual raft_term term() const noexcept = 0;
  /// The entry that the present leadership began with: when it is in
  /// effects::apply, the state holds all that earlier leaders committed. 0: not
  /// leading.
  virtual log_index barrier_index() const noexcept = 0;
  virtual log_index commit_index() const noexcept = 0;
  virtual log_index last_index() const noexcept = 0;
  virtual raft_term
  term_at(log_index index) const noexcept = 0; ///< 0: not kept.
  /// The latest configuration at or before `index`, encoded, and its index.
  virtual std::pair<log_index, std::string>
  configuration_at(log_index index) const = 0;
  virtual std::vector<group_member> members() const = 0;
};

/// The implementation over cowsql/raft 0.22.1 (raft_step).
std::unique_ptr<consensus> make_raft_consensus(const consensus::options& opts);

} // namespace callboard
