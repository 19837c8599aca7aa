#include "actors/ticker.hpp"

#include "actors/type_ids.hpp"

#include <chrono>
#include <cstddef>

namespace callboard {

namespace {

constexpr std::chrono::milliseconds alone{100};

} // namespace

ticker_actor::behavior_type ticker(ticker_actor::pointer self,
                                   node_context* node) {
  self->send(self, tick{});
  return {
    [self, node](tick) {
      auto interval = node->cluster ? tick_interval : alone;
      // On multiples of it, so that late ticks do not add up.
      auto past = std::chrono::milliseconds{steady_ms()} % interval;
      self->delayed_send(self, interval - past, tick{});
      auto now = steady_ms();
      for (std::size_t i = 0; i < node->shards.size(); ++i)
        if (now >= node->tick_at_ms[i].load(std::memory_order_relaxed))
          self->send(node->shards[i], tick{});
      if (node->cluster)
        self->send(node->cluster, tick{});
    },
  };
}

} // namespace callboard
