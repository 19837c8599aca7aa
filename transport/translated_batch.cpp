#include "transport/translated_batch.hpp"

#include <memory>
#include <mutex>
#include <utility>

namespace callboard {

namespace {

/// What a vocabulary makes of one event: nothing, a message, or several as one
/// run of WebSocket frames.
struct translation {
  std::once_flag once;
  std::vector<std::string> messages;
};

using translated_events = std::vector<translation>;

std::vector<std::string> translate(const posted_event& x,
                                   const vocabulary& words,
                                   translation_counters& counters) {
  counters[words.index()].fetch_add(1, std::memory_order_relaxed);
  std::vector<std::string> messages;
  words.say(x, messages);
  return messages;
}

frame_ptr frame_of(const std::vector<std::string>& messages) {
  return messages.empty() ? frame_ptr{} : outbound_frame::texts(messages);
}

} // namespace

frame_ptr batch_frames::get(std::size_t i, const vocabulary* words) {
  auto& frames = frames_[words == nullptr ? vocabulary::count : words->index()];
  if (frames.empty())
    frames.resize(batch_.events.size());
  auto& event = batch_.events[i];
  if (words == nullptr) {
    if (!frames[i])
      frames[i] = outbound_frame::text(event.frame);
    return frames[i];
  }
  if (frames[i])
    return frames[i];
  auto& shared = batch_.translations[words->index()];
  std::call_once(shared.once, [&] {
    shared.value = std::make_shared<translated_events>(batch_.events.size());
  });
  auto& events = *static_cast<translated_events*>(shared.value.get());
  std::call_once(events[i].once, [&] {
    events[i].messages = translate(event, *words, counters_);
  });
  frames[i] = frame_of(events[i].messages);
  return frames[i];
}

frame_ptr make_frame(const posted_event& x, const vocabulary* words,
                     translation_counters& counters) {
  return words == nullptr ? outbound_frame::text(x.frame)
                          : frame_of(translate(x, *words, counters));
}

} // namespace callboard
