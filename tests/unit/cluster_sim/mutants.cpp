#include "tests/unit/cluster_sim/mutants.hpp"

#include "actors/type_ids.hpp"

#include <caf/send.hpp>

namespace callboard::sim {

log_writer_actor::behavior_type early_log_writer(log_writer_actor::pointer self,
                                                 log_writer_actor real) {
  return {
    [self, real](log_append& x) {
      if (x.after != ticket{})
        self->send(x.from, log_durable{x.after});
      self->delayed_send(real, std::chrono::milliseconds{300}, std::move(x));
    },
    [](flush_now) {},
  };
}

state_writer_actor::behavior_type
careless_state_writer(state_writer_actor::pointer self, state_writer_actor real,
                      std::mt19937* random) {
  return {
    [self, real, random](state_apply& x) {
      for (auto& entry : x.entries)
        if (entry.kind == entry_kind::command && (*random)() % 8 == 0)
          entry.kind = entry_kind::barrier;
      self->send(real, std::move(x));
    },
    [self, real](const state_install& x) { self->send(real, x); },
    [self, real](const state_wipe& x) { self->send(real, x); },
    [](flush_now) {},
  };
}

} // namespace callboard::sim
