#pragma once

#include "actors/common_messages.hpp"
#include "actors/model/ids.hpp"
#include "actors/remote.hpp"
#include "storage/raft/consensus.hpp"
#include "storage/state_transfer.hpp"

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// What whoever drives a replica and the actors in front of the disk say to
/// each other.
namespace callboard {

// -- reading the stores
// ---------------------------------------------------------

/// A piece of work that may wait for the disk; runs on a reader's own thread.
struct read_job {
  std::shared_ptr<std::function<void()>> work;
};

using reader_actor = caf::typed_actor<caf::reacts_to<read_job>>;

// -- log writer, state writer, maintenance
// ---------------------------------------

/// Everything up to `done` is synced.
struct log_durable {
  ticket done;
};

/// Entries up to `upto` are applied; their effects may be told.
struct state_applied {
  log_index upto;
};

/// Entries up to `upto` are durable in the state store.
struct state_flushed {
  log_index upto;
};

/// The state at a check entry, for a digest.
struct state_pinned {
  std::shared_ptr<state_export> state;
};

/// A staged state has become the shard's state, durably.
struct state_installed {
  stream_id stream;
};

/// Nothing of the shard is left in the state store.
struct state_wiped {};

/// A replica's state has arrived whole and is staged durably; or it has not,
/// and there is nothing to hand in (empty message).
struct state_staged {
  node_number from;
  stream_id stream;
  std::string message;
};

/// What a replica begins with (replica_load.hpp); never null.
struct replica_loaded {
  std::shared_ptr<struct loaded_replica> what;
};

/// The state for a follower that asked, pinned. Null: it could not be.
struct export_pinned {
  stream_id stream;
  std::shared_ptr<state_export> state;
};

/// A stream to a follower came to its end, well or not.
struct stream_over {
  stream_id stream;
  std::uint64_t bytes = 0; ///< 0: it was not needed or it broke.
};

/// The digest of this replica's state as of `applied`.
struct digest_made {
  log_index applied;
  std::uint64_t digest = 0;
  std::uint64_t took_us = 0;
};

/// Whoever drives a replica hears of its disk from here.
using storage_listener = caf::typed_actor<
  caf::reacts_to<log_durable>, caf::reacts_to<state_applied>,
  caf::reacts_to<state_flushed>, caf::reacts_to<state_pinned>,
  caf::reacts_to<state_installed>, caf::reacts_to<state_wiped>,
  caf::reacts_to<state_staged>, caf::reacts_to<stream_over>,
  caf::reacts_to<digest_made>, caf::reacts_to<replica_loaded>,
  caf::reacts_to<export_pinned>>;

/// Persist these, in this order, and tell `from` when it is done.
struct log_append {
  shard_id shard;
  std::optional<hard_state> hard;
  std::optional<log_index> erase_from;
  log_index erase_last;
  std::vector<log_entry> entries;
  std::optional<state_descriptor> install;
  bool installed = false; ///< The state of the last install is durable.
  /// Nothing but the hard state and where the log ended stays; the state
  /// store's part follows behind the sync, and `from` hears state_wiped.
  std::optional<log_position> wipe;
  ticket after; ///< 0: nobody waits.
  storage_listener from;
};

/// Apply these committed entries and tell `from`.
struct state_apply {
  shard_id shard;
  log_index upto;
  std::vector<log_entry> entries;
  storage_listener from;
};

/// The staged state of `stream` becomes the shard's state, behind what was to
/// be applied before.
struct state_install {
  shard_id shard;
  stream_id stream;
  storage_listener from;
};

/// Drop everything of the shard.
struct state_wipe {
  shard_id shard;
  storage_listener from;
};

/// The log of `shard` is not needed up to `upto` any more.
struct log_trim {
  shard_id shard;
  log_index upto;
  raft_term term;
  log_index configuration_index;
  std::string configuration;
};

using log_writer_actor
  = caf::typed_actor<caf::reacts_to<log_append>, caf::reacts_to<flush_now>>;

using state_writer_actor
  = caf::typed_actor<caf::reacts_to<state_apply>, caf::reacts_to<state_install>,
                     caf::reacts_to<state_wipe>, caf::reacts_to<flush_now>>;

/// An install or a wipe is durable, or why not.
struct state_moved {
  std::optional<problem> why_not;
};

using state_mover_actor
  = caf::typed_actor<caf::replies_to<state_install>::with<state_moved>,
                     caf::replies_to<state_wipe>::with<state_moved>>;

/// What each shard has applied, for a flush of the state store.
struct flush_state {
  std::vector<std::pair<storage_listener, log_index>> applied;
};

using maintenance_actor
  = caf::typed_actor<caf::reacts_to<flush_state>, caf::reacts_to<log_trim>,
                     caf::reacts_to<tick>>;

using ticker_actor = caf::typed_actor<caf::reacts_to<tick>>;

/// What their owner passes on to them.
struct stream_message {
  std::shared_ptr<remote::message> what;
};

/// The peer is gone, or the stream is void.
struct stream_void {};

/// A reader has the next rows of the state that is sent; empty: there are no
/// more.
struct rows_read {
  result<std::string> rows;
};

/// A reader has done with the state that comes in what was asked: begun it,
/// added a chunk or finished it.
struct rows_staged {
  std::shared_ptr<state_import> staging; ///< Null: it failed.
  problem why;                           ///< Then.
};

} // namespace callboard
