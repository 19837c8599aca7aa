#pragma once

#include "actors/engine.hpp"
#include "transport/edge_metrics.hpp"
#include "transport/outbound_frame.hpp"
#include "transport/vocabularies/vocabulary.hpp"

#include <array>
#include <cstddef>
#include <vector>

namespace callboard {

/// The frames of one batch on one hub, natively and in other words. Each event
/// is translated once per vocabulary and node: the messages are kept with the
/// batch, which all hubs share; each hub makes its frames of them. On one hub's
/// thread.
class batch_frames {
public:
  batch_frames(const room_batch& batch, translation_counters& counters) noexcept
      : batch_{batch}, counters_{counters} {
    // nop
  }

  /// The frame of event `i`; null: `words` cannot say it.
  frame_ptr get(std::size_t i, const vocabulary* words);

private:
  const room_batch& batch_;
  translation_counters& counters_;
  std::array<std::vector<frame_ptr>, vocabulary::count + 1> frames_;
};

/// The same for an event without a batch (history): translated each time.
frame_ptr make_frame(const posted_event& x, const vocabulary* words,
                     translation_counters& counters);

} // namespace callboard
