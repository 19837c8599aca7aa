#include "actors/ticker.hpp"

#include "actors/type_ids.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace callboard {

namespace {

constexpr std::chrono::milliseconds alone{100};

} // namespace

ticker_actor::behavior_type ticker(ticker_actor::pointer self,
                                   node_context* node) {
  self->send(self, tick{});
  return {
    // Never more than one tick waits in a mailbox, however long its owner is
    // busy: a shard says when it wants the next, the cluster's actor answers.
    [self, node, answered = std::make_shared<bool>(true)](tick) {
      auto interval = node->cluster ? tick_interval : alone;
      // On multiples of it, so that late ticks do not add up.
      auto past = std::chrono::milliseconds{steady_ms()} % interval;
      self->delayed_send(self, interval - past, tick{});
      auto now = steady_ms();
      for (std::size_t i = 0; i < node->shards.size(); ++i)
        if (auto& at = node->tick_at_ms[i];
            now >= at.load(std::memory_order_relaxed)) {
          at.store(UINT64_MAX, std::memory_order_relaxed);
          self->send(node->shards[i], tick{});
        }
      if (!node->cluster || !std::exchange(*answered, false))
        return;
      auto done = [answered] { *answered = true; };
      self->request(node->cluster, caf::infinite, tick{})
        .then(done, [done](const caf::error&) { done(); });
    },
  };
}

} // namespace callboard
