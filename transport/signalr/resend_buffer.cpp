#include "transport/signalr/resend_buffer.hpp"

#include <utility>

namespace callboard::signalr {

void resend_buffer::add(const frame_ptr& x) {
  std::uint64_t count = 0;
  x->for_each_message([&count](std::string_view, bool) { ++count; });
  kept_.push_back({x, sent_ + 1, sent_ + count});
  sent_ += count;
  bytes_ += x->size();
}

void resend_buffer::acknowledged(std::uint64_t sequence_id) {
  while (!kept_.empty() && kept_.front().last <= sequence_id) {
    bytes_ -= kept_.front().frame->size();
    kept_.pop_front();
  }
}

bool resend_buffer::admits(message_type type) {
  if (awaits_sequence_)
    return type == message_type::sequence;
  if (!is_tracked(type))
    return true;
  auto number = next_received_++;
  if (number <= received_)
    return false;
  received_ = number;
  return true;
}

result<void> resend_buffer::restarted(std::uint64_t sequence_id) {
  if (sequence_id == 0 || sequence_id > next_received_)
    return fail(errc::invalid,
                "Sequence ID greater than amount of messages we've received.");
  next_received_ = sequence_id;
  acknowledged_ = 0; // the last one may be lost with the old connection
  awaits_sequence_ = false;
  return {};
}

std::optional<std::uint64_t> resend_buffer::take_acknowledgement() {
  if (acknowledged_ == received_)
    return std::nullopt;
  acknowledged_ = received_;
  return received_;
}

} // namespace callboard::signalr
