#pragma once

#include "actors/messages.hpp"
#include "actors/node_context.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <unordered_map>
#include <variant>

namespace callboard {

/// Applies committed entries of all shards to the state store, in the order in
/// which each shard sent them; swaps staged states in and drops states
/// likewise. Spawned detached: apply() may wait for the disk. Entries that find
/// no space stay and are tried again every 200 ms.
///
/// Swapping in and dropping take seconds in a large store. Another actor does
/// it (state_mover), so that only the shard itself waits for it.
class state_writer_state {
public:
  static constexpr const char* name = "state-writer";

  explicit state_writer_state(state_writer_actor::pointer self) noexcept
      : self_{self} {
    // nop
  }

  void init(node_context& node) noexcept {
    node_ = &node;
  }

  void handle(state_apply& x);
  void handle(const state_install& x);
  void handle(const state_wipe& x);
  void handle(flush_now);

private:
  using job = std::variant<state_apply, state_install, state_wipe>;

  void take(job x);
  bool waits_for_move(job& x);
  bool carry_out(const job& x);
  bool apply(const state_apply& x);
  bool apply(const state_install& x) {
    return move(x);
  }
  bool apply(const state_wipe& x) {
    return move(x);
  }
  template <class Move>
  bool move(const Move& x);
  template <class Move>
  bool moved(const Move& x, const std::optional<problem>& why_not);
  void tell(const state_install& x);
  void tell(const state_wipe& x);
  void put_off(job x);
  bool apply_part(const state_apply& x, std::span<const log_entry> entries);
  bool out_of_space(const problem& why);
  void ask_for_flush();

  state_writer_actor::pointer self_;
  node_context* node_ = nullptr;
  std::deque<job> stuck_; // bounded by the proposals in flight
  std::map<shard_id, std::deque<job>> moving_;   // what waits for their moves
  std::unordered_map<shard_id, log_index> done_; // of a job tried again
  std::unordered_map<shard_id, std::pair<storage_listener, log_index>> applied_;
  std::size_t bytes_since_flush_ = 0;
};

state_writer_actor::behavior_type
state_writer(state_writer_actor::stateful_pointer<state_writer_state> self,
             node_context* node);

} // namespace callboard
