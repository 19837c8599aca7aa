#include "transport/socketio/websocket_link.hpp"

#include <utility>

namespace callboard::engine_io {

websocket_link::websocket_link(hub& home, std::shared_ptr<client> to)
    : socket_client{home.conf().limits.outbound_queue_bytes}, to_{
                                                                std::move(to)} {
  // nop
}

void websocket_link::send(std::string packet) {
  out.push_reply(outbound_frame::text(std::move(packet)));
  wake();
}

void websocket_link::close(close_code code, std::string_view reason) {
  if (auto* x = std::exchange(channel_, nullptr); x != nullptr && x->is_open())
    x->close(code, reason);
}

void websocket_link::opened(client_channel& channel) {
  channel_ = &channel;
  to_->opened(*this);
}

void websocket_link::receive(std::string message, bool binary) {
  to_->received(*this, std::move(message), binary);
}

void websocket_link::closed() {
  channel_ = nullptr;
  to_->lost(*this);
}

void websocket_link::wrote() {
  to_->wrote();
}

bool websocket_link::is_busy() const noexcept {
  return to_->is_busy();
}

bool websocket_link::awaits_engine() const noexcept {
  return to_->awaits_engine();
}

bool websocket_link::awaits_answers() const noexcept {
  return to_->awaits_engine();
}

void websocket_link::check_time(std::chrono::steady_clock::time_point now) {
  to_->check_time(now);
}

void websocket_link::announce_end(std::chrono::milliseconds) {
  to_->end_for_restart();
}

const principal& websocket_link::who() const noexcept {
  return to_->who();
}

std::string_view websocket_link::vocabulary_name() const noexcept {
  return to_->vocabulary_name();
}

void websocket_link::describe(callboard::session::description& x) const {
  auto about = to_->describe();
  x.user = std::move(about.user);
  x.tenant = std::move(about.tenant);
  x.vocabulary = std::move(about.vocabulary);
  x.rooms = std::move(about.rooms);
  x.queue_bytes = about.queue_bytes + out.bytes();
  x.lagging = about.lagging;
}

bool websocket_link::reaches(const project_id&) const {
  return false;
}

void websocket_link::subscribed(const subscription&, event_seq, std::uint64_t) {
  // nop
}

void websocket_link::lagged(const subscription&, event_seq) {
  // nop
}

void websocket_link::resync(const subscription&, event_seq) {
  // nop
}

void websocket_link::wake() {
  if (channel_ != nullptr)
    channel_->wake();
}

} // namespace callboard::engine_io
