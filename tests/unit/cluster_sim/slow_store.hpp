#pragma once

#include "actors/state_writer.hpp"

#include "tests/unit/cluster_sim/witness.hpp"

#include <cstddef>
#include <deque>
#include <variant>

namespace callboard::sim {

/// In front of a node's state writer: `seen` hears of all that is committed,
/// and while the store is held nothing gets there. What waited then goes on in
/// its order. A crash forgets it: the log has it.
class slow_store_state {
public:
  explicit slow_store_state(state_writer_actor::pointer self) : self_{self} {
    // nop
  }

  void init(state_writer_actor real, witness& seen, std::size_t node,
            const bool& held) {
    real_ = std::move(real);
    seen_ = &seen;
    node_ = node;
    held_ = &held;
  }

  void take(state_apply& x);
  void take(const state_install& x) {
    pass_on(x);
  }
  void take(const state_wipe& x) {
    pass_on(x);
  }
  void go_on();

private:
  using job = std::variant<state_apply, state_install, state_wipe>;

  void pass_on(job x);

  state_writer_actor::pointer self_;
  state_writer_actor real_;
  witness* seen_ = nullptr;
  std::size_t node_ = 0;
  const bool* held_ = nullptr;
  std::deque<job> waiting_;
};

/// A flush_now says that the store is not held any more.
state_writer_actor::behavior_type
slow_store(state_writer_actor::stateful_pointer<slow_store_state> self,
           state_writer_actor real, witness* seen, std::size_t node,
           const bool* held);

/// In front of a node's reader: while it is held, nothing is read. A read_job
/// without work says that it is not held any more.
reader_actor::behavior_type
slow_reader(reader_actor::stateful_pointer<std::deque<read_job>> self,
            reader_actor real, const bool* held);

} // namespace callboard::sim
