#include "tests/unit/cluster_sim/slow_store.hpp"

#include "actors/type_ids.hpp"

#include <utility>

namespace callboard::sim {

void slow_store_state::take(state_apply& x) {
  for (auto& entry : x.entries)
    seen_->committed(x.shard, entry, node_);
  pass_on(std::move(x));
}

void slow_store_state::pass_on(job x) {
  waiting_.push_back(std::move(x));
  if (!*held_)
    go_on();
}

void slow_store_state::go_on() {
  for (auto& x : std::exchange(waiting_, {}))
    std::visit([this](auto& y) { self_->send(real_, std::move(y)); }, x);
}

state_writer_actor::behavior_type
slow_store(state_writer_actor::stateful_pointer<slow_store_state> self,
           state_writer_actor real, witness* seen, std::size_t node,
           const bool* held) {
  auto& state = self->state;
  state.init(std::move(real), *seen, node, *held);
  return {
    [&state](state_apply& x) { state.take(x); },
    [&state](const state_install& x) { state.take(x); },
    [&state](const state_wipe& x) { state.take(x); },
    [&state](flush_now) { state.go_on(); },
  };
}

reader_actor::behavior_type
slow_reader(reader_actor::stateful_pointer<std::deque<read_job>> self,
            reader_actor real, const bool* held) {
  auto& waiting = self->state;
  return {
    [self, &waiting, real, held](read_job& x) {
      if (x.work)
        waiting.push_back(std::move(x));
      if (*held)
        return;
      for (auto& job : std::exchange(waiting, {}))
        self->send(real, std::move(job));
    },
  };
}

} // namespace callboard::sim
