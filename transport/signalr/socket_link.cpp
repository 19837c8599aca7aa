#include "transport/signalr/socket_link.hpp"

#include <utility>

namespace callboard::signalr {

socket_link::socket_link(std::shared_ptr<hub_session> owner)
    : socket_client{link_bytes}, owner_{std::move(owner)} {
  // nop
}

socket_link::~socket_link() = default;

// -- the connection below -----------------------------------------------------

void socket_link::opened(client_channel& channel) {
  channel_ = &channel;
  if (owner_->is_over())
    return channel.close(close_code::going_away, "too late");
  owner_->attach(*this);
}

void socket_link::receive(std::string message, bool) {
  owner_->receive(message);
}

void socket_link::closed() {
  channel_ = nullptr;
  owner_->detach(*this);
}

void socket_link::wrote() {
  owner_->pump();
}

bool socket_link::is_busy() const noexcept {
  return owner_->is_busy();
}

bool socket_link::awaits_engine() const noexcept {
  return owner_->awaits_engine();
}

bool socket_link::awaits_answers() const noexcept {
  return !owner_->is_over(); // it closes by itself when it has all
}

void socket_link::check_time(std::chrono::steady_clock::time_point now) {
  owner_->tick(now);
}

void socket_link::announce_end(std::chrono::milliseconds) {
  owner_->announce_end();
}

const principal& socket_link::who() const noexcept {
  return owner_->who();
}

std::string_view socket_link::vocabulary_name() const noexcept {
  return "signalr";
}

void socket_link::describe(session::description& x) const {
  auto known = owner_->describe();
  known.id = x.id;
  known.transport = x.transport;
  known.peer = x.peer;
  known.connected_ms = x.connected_ms;
  known.queue_bytes += out.bytes();
  x = std::move(known);
}

bool socket_link::wants_pings() const noexcept {
  return false; // the hub protocol has its own
}

// -- the session above --------------------------------------------------------

bool socket_link::has_room() const noexcept {
  return out.bytes() < link_bytes;
}

void socket_link::send(const frame_ptr& x) {
  out.push_reply(x);
}

void socket_link::flush() {
  if (!out.empty())
    wake();
}

void socket_link::wake() {
  if (channel_ != nullptr)
    channel_->wake();
}

void socket_link::close(close_code code, std::string_view reason) {
  if (channel_ != nullptr)
    channel_->close(code, reason);
}

bool socket_link::reaches(const project_id&) const {
  return false;
}

void socket_link::subscribed(const subscription&, event_seq, std::uint64_t) {
  // nop
}

void socket_link::lagged(const subscription&, event_seq) {
  // nop
}

void socket_link::resync(const subscription&, event_seq) {
  // nop
}

} // namespace callboard::signalr
