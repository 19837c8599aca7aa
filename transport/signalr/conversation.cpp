#include "transport/signalr/conversation.hpp"

#include <utility>

namespace callboard::signalr {

conversation::conversation(const limits& limit, conversation_events& events,
                           clock::time_point now)
    : limits_{limit}, events_{events}, records_{limit.message_bytes},
      began_{now}, last_heard_{now}, last_sent_{now} {
  // nop
}

void conversation::connected(clock::time_point now) {
  connected_ = true;
  last_heard_ = last_sent_ = now;
  if (state_ == state::handshaking)
    began_ = now;
  if (!std::exchange(reconnecting_, false) || !buffer_)
    return;
  buffer_->reconnected();
  events_.say(sequence(buffer_->first_kept()));
}

void conversation::disconnected() {
  connected_ = false;
  reconnecting_ = true;
  // Half a record is none. (Once over, the last one may still be in use.)
  if (state_ != state::over)
    records_ = record_reader{limits_.message_bytes};
}

void conversation::feed(std::string_view text, clock::time_point now) {
  last_heard_ = now;
  records_.feed(text);
  while (state_ != state::over) {
    auto record = records_.next();
    if (!record)
      return end({record.error().detail, false});
    if (!*record)
      return;
    take(**record);
  }
}

void conversation::take(std::string_view record) {
  if (state_ == state::handshaking)
    return shake_hands(record);
  json::document doc;
  json::limits limit;
  limit.max_depth = limits_.json_depth + 2; // the message and its arguments
  auto message = read_message(doc, record, limit);
  if (!message)
    return end(
      {"Connection closed with an error: " + message.error().detail, false});
  if (!buffer_ || buffer_->admits(message->type))
    handle(*message);
}

void conversation::shake_hands(std::string_view record) {
  auto wanted = read_handshake(record);
  if (!wanted) {
    events_.say(handshake_response(wanted.error().detail));
    return end({});
  }
  state_ = state::open;
  was_open_ = true;
  if (limits_.stateful && wanted->version >= newest_version)
    buffer_.emplace(limits_.reconnect_buffer_bytes);
  events_.say(handshake_response({}));
}

void conversation::handle(const hub_message& x) {
  switch (x.type) {
  case message_type::invocation:
  case message_type::stream_invocation:
    return events_.invoked(x);
  case message_type::close:
    return end({});
  case message_type::ack:
    if (buffer_) {
      buffer_->acknowledged(x.sequence_id);
      events_.acknowledged();
    }
    return;
  case message_type::sequence:
    if (buffer_)
      if (auto ok = buffer_->restarted(x.sequence_id); !ok)
        end({ok.error().detail, true});
    return;
  // No method takes or gives streams, so there is nothing to add to or to
  // cancel; and an invocation goes on to its completion.
  case message_type::stream_item:
  case message_type::completion:
  case message_type::cancel_invocation:
  case message_type::ping:
  case message_type::unknown:
    return;
  }
}

void conversation::tick(clock::time_point now, bool inherent) {
  if (state_ == state::over || !connected_)
    return;
  if (state_ == state::handshaking) {
    if (now - began_ < limits_.handshake)
      return;
    events_.say(handshake_response("Handshake was canceled."));
    return end({});
  }
  if (buffer_)
    if (auto id = buffer_->take_acknowledgement())
      events_.say(ack(*id));
  if (inherent)
    return;
  if (now - last_heard_ >= limits_.client_silence)
    return end({"Client was silent for too long.", true});
  if (now - last_sent_ >= limits_.keep_alive)
    events_.say(ping());
}

void conversation::end(farewell why) {
  if (std::exchange(state_, state::over) != state::over)
    events_.over(std::move(why));
}

} // namespace callboard::signalr
