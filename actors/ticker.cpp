#include "actors/ticker.hpp"

#include "actors/type_ids.hpp"

#include <chrono>

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
      for (auto& x : node->shards)
        self->send(x, tick{});
      if (node->cluster)
        self->send(node->cluster, tick{});
    },
  };
}

} // namespace callboard
