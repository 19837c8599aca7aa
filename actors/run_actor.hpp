#pragma once

#include "actors/decider.hpp"
#include "actors/messages.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace callboard {

/// One run with recent activity, on the shard that leads it: decides, in order,
/// about its events and commands on its state *including* what it accepted and
/// what is not yet durable. Started by the shard from the store, ended by it
/// when idle; a shard that loses its leadership ends it with that speculation.
class run_actor_state {
public:
  static constexpr const char* name = "run";

  explicit run_actor_state(run_actor::pointer self) noexcept : self_{self} {
    // nop
  }

  void init(shard_actor shard, room_key room, run_id run,
            std::optional<run_brief> stored,
            std::shared_ptr<const definition_names> names,
            std::size_t max_steps);

  void handle(decide_items& x);
  void handle(decide_command& x);
  void handle(ids_found& x);
  description describe() const;

private:
  void send(decider::outbox& out);

  run_actor::pointer self_;
  shard_actor shard_;
  std::optional<run_decider> decider_;
};

run_actor::behavior_type run(run_actor::stateful_pointer<run_actor_state> self,
                             shard_actor shard, room_key room, run_id id,
                             std::shared_ptr<std::optional<run_brief>> stored,
                             std::shared_ptr<const definition_names> names,
                             std::size_t max_steps);

} // namespace callboard
