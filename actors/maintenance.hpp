#pragma once

#include "actors/messages.hpp"
#include "actors/node_context.hpp"

#include <caf/typed_event_based_actor.hpp>

namespace callboard {

/// Work on the disk that nobody waits for: flushes of the state store, trims of
/// the log behind them, and a look at the free space every second. Spawned
/// detached.
class maintenance_state {
public:
  static constexpr const char* name = "maintenance";

  explicit maintenance_state(maintenance_actor::pointer self) noexcept
      : self_{self} {
    // nop
  }

  void init(node_context& node);

  void handle(const flush_state& x);
  void handle(const log_trim& x);
  void handle(tick);

private:
  maintenance_actor::pointer self_;
  node_context* node_ = nullptr;
};

maintenance_actor::behavior_type
maintenance(maintenance_actor::stateful_pointer<maintenance_state> self,
            node_context* node);

/// Runs jobs that read the stores. Spawned detached, several.
reader_actor::behavior_type reader(reader_actor::pointer self);

} // namespace callboard
