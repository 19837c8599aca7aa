#pragma once

#include "actors/model/ids.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What goes into a consensus and what comes out of it (consensus.hpp).
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

/// Where a log ends. Of two logs the one that ends later has all that was
/// committed in the other one's time (Raft, 5.4.1).
struct log_position {
  raft_term term; ///< Of the last entry.
  log_index index;

  friend auto operator<=>(const log_position&, const log_position&) = default;
};

/// What a replica finds on its disk when it starts.
struct restored_log {
  hard_state hard;
  /// Where the log of an earlier replica of this node ended, which was dropped
  /// (consensus::log_end()). What that had is missing, so until the log gets
  /// there again this one neither votes for a log that ends before it, nor
  /// stands for election (see also would_lead_without_dropped()).
  log_position dropped;
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

  /// Empty: 0.
  log_position end() const noexcept {
    if (entries.empty())
      return {snapshot_term, snapshot_index};
    return {entries.back().term, entries.back().index};
  }
};

/// Names a batch of appends; durable{ticket} reports it synced. Increasing.
using ticket = number<struct ticket_tag>;

/// Names one question "is what you know current?"; increasing in a replica.
using read_ticket = number<struct read_ticket_tag>;

/// Names one attempt to bring a group's state to a follower. Never the same
/// twice in a group. 0: none.
using stream_id = number<struct stream_id_tag>;

/// Bytes for another replica of the group.
struct raft_message_out {
  node_number to;
  std::string bytes;
};

/// What became of a read.
struct read_outcome {
  read_ticket read;
  /// The state answers the read when it is applied up to here. Nothing: this
  /// replica leads no longer; ask the leader.
  std::optional<log_index> current_at;
};

/// A follower lacks what the log no longer has: stream it the state, as of
/// `at_least` or later (consensus::describe_state).
struct state_request {
  node_number to;
  stream_id stream;
  log_index at_least;
};

/// What a streamed state is: everything up to `index`. It takes the place of a
/// replica's state and of its whole log.
struct state_descriptor {
  stream_id stream;
  log_index index;
  raft_term term;
  log_index configuration_index;
  std::string configuration; ///< Encoded by consensus.

  friend bool operator==(const state_descriptor&, const state_descriptor&)
    = default;
};

/// What one step demands, to be carried out in the order of the members. Valid
/// until the next call on the same consensus.
struct effects {
  std::optional<hard_state> hard;      ///< 1. term and vote, into the batch
  std::optional<log_index> erase_from; ///< 2. drop this and later, likewise
  log_index erase_last; ///<    the last one there is to drop, if erase_from
  std::vector<log_entry> append; ///< 3. into the same batch
  /// 4. The staged state becomes the state, the log is emptied
  /// (log_store::batch::install), in the same batch. erase_from and append are
  /// empty then, and nothing of earlier batches in the log counts any more.
  std::optional<state_descriptor> install;
  /// Report durable(after) when the batch is synced, `after_sync` having been
  /// sent before. 0: nothing to persist.
  ticket after;
  std::vector<raft_message_out> now; ///< 5. may leave at once
  std::vector<raft_message_out>
    after_sync; ///< 6. only after the sync of `after`
  /// 7. Committed and durable here, in order and without gap, beginning after
  /// restored_log::snapshot_index, and again after an installed state's index;
  /// entries of every kind.
  std::vector<log_entry> apply;
  std::vector<read_outcome> reads;   ///< 8. answer, when applied that far
  std::vector<state_request> states; ///< 9. begin to stream
  bool leadership_changed = false;   ///< 10. see leading() and term() again
};

} // namespace callboard
