#include "transport/socketio/engine_session.hpp"

#include "actors/model/json.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace callboard::engine_io {

namespace {

/// Polls that come while a WebSocket is probing end at most so often.
constexpr std::chrono::milliseconds release_interval{100};

constexpr std::string_view probe_data = "probe";

constexpr std::array<std::string_view, 6> refusal_messages{
  "Transport unknown", "Session ID unknown", "Bad handshake method",
  "Bad request",       "Forbidden",          "Unsupported protocol version"};

} // namespace

std::string refusal_body(refusal why) {
  auto code = static_cast<std::size_t>(why);
  return R"({"code":)" + std::to_string(code) + R"(,"message":)"
         + json::quoted(refusal_messages[code]) + "}";
}

session_machine::session_machine(const session_settings& conf, std::string sid,
                                 transport_kind first, time_point now,
                                 session_output& out)
    : conf_{conf}, sid_{std::move(sid)}, out_{out}, transport_{first},
      heartbeat_at_{now + conf.ping_interval} {
  // nop
}

std::string session_machine::handshake() const {
  std::string data = R"({"sid":)" + json::quoted(sid_);
  data += transport_ == transport_kind::polling ? R"(,"upgrades":["websocket"])"
                                                : R"(,"upgrades":[])";
  auto add = [&data](std::string_view name, std::uint64_t x) {
    ((data += ",\"") += name) += "\":";
    json::append_number(data, x);
  };
  add("pingInterval", static_cast<std::uint64_t>(conf_.ping_interval.count()));
  add("pingTimeout", static_cast<std::uint64_t>(conf_.ping_timeout.count()));
  add("maxPayload", conf_.max_payload);
  return encode_packet(packet_type::open, data + "}");
}

// -- polling ------------------------------------------------------------------

session_machine::verdict session_machine::poll(time_point now) {
  if (!open_ || transport_ != transport_kind::polling)
    return verdict::refused;
  if (has_poll_) {
    close(end_reason::overlap);
    return verdict::refused;
  }
  has_poll_ = true;
  next_release_ = std::max(next_release_, now);
  return verdict::accepted;
}

void session_machine::poll_lost() {
  if (std::exchange(has_poll_, false))
    end(end_reason::transport_closed);
}

session_machine::verdict session_machine::post() {
  if (!open_ || transport_ != transport_kind::polling)
    return verdict::refused;
  if (has_post_) {
    close(end_reason::overlap);
    return verdict::refused;
  }
  has_post_ = true;
  return verdict::accepted;
}

// -- the transport in use -----------------------------------------------------

void session_machine::receive(packet x, time_point now) {
  if (!open_)
    return;
  if (awaits_pong_) // whatever comes shows that the client lives
    heartbeat_at_ = now + conf_.ping_timeout;
  switch (x.type) {
  case packet_type::message:
    return out_.on_message(std::move(x.data), x.binary);
  case packet_type::pong:
    awaits_pong_ = false;
    heartbeat_at_ = now + conf_.ping_interval;
    return;
  case packet_type::close:
    if (has_poll_)
      out_.release_poll(encode_packet(packet_type::noop));
    return end(end_reason::client_close);
  case packet_type::ping: // of protocol 3: here it is the server that pings
    return receive_garbage();
  case packet_type::open:
  case packet_type::upgrade:
  case packet_type::noop:
    return; // as the reference does
  }
}

void session_machine::receive_garbage() {
  if (open_)
    close(end_reason::parse_error);
}

void session_machine::transport_lost() {
  end(end_reason::transport_closed);
}

void session_machine::close(end_reason why) {
  if (!open_)
    return;
  auto goodbye = encode_packet(packet_type::close);
  if (transport_ == transport_kind::websocket)
    out_.put(std::move(goodbye));
  else if (has_poll_)
    out_.release_poll(std::move(goodbye));
  end(why);
}

void session_machine::end(end_reason why) {
  if (!std::exchange(open_, false))
    return;
  if (std::exchange(probing_, false))
    out_.drop_probe();
  out_.on_end(why);
}

// -- upgrading ----------------------------------------------------------------

session_machine::verdict session_machine::begin_probe(time_point now) {
  if (!open_ || transport_ != transport_kind::polling || probing_)
    return verdict::refused;
  probing_ = true;
  probe_answered_ = false;
  probe_by_ = now + conf_.upgrade_timeout;
  return verdict::accepted;
}

session_machine::probe_step
session_machine::probe(const std::optional<packet>& x, time_point now) {
  if (!open_ || !probing_ || !x)
    return probe_step::failed;
  if (x->type == packet_type::ping && x->data == probe_data) {
    probe_answered_ = true;
    next_release_ = now;
    release_if_probing(now);
    return probe_step::answer_probe;
  }
  if (x->type != packet_type::upgrade)
    return probe_step::failed;
  if (has_poll_)
    out_.release_poll(encode_packet(packet_type::noop));
  probing_ = false;
  transport_ = transport_kind::websocket;
  return probe_step::upgraded;
}

void session_machine::probe_lost() noexcept {
  probing_ = false;
}

void session_machine::release_if_probing(time_point now) {
  if (!probing_ || !probe_answered_ || !has_poll_ || now < next_release_)
    return;
  next_release_ = now + release_interval;
  out_.release_poll(encode_packet(packet_type::noop));
}

// -- time ---------------------------------------------------------------------

void session_machine::tick(time_point now) {
  if (!open_)
    return;
  if (now >= heartbeat_at_) {
    if (awaits_pong_)
      return close(end_reason::ping_timeout);
    awaits_pong_ = true;
    heartbeat_at_ = now + conf_.ping_timeout;
    out_.put(encode_packet(packet_type::ping));
  }
  release_if_probing(now);
  if (probing_ && now >= probe_by_) {
    probing_ = false;
    out_.drop_probe();
  }
}

session_machine::time_point session_machine::next_deadline() const noexcept {
  auto at = heartbeat_at_;
  if (probing_)
    at = std::min(at, probe_by_);
  if (probing_ && probe_answered_ && has_poll_)
    at = std::min(at, next_release_);
  return at;
}

} // namespace callboard::engine_io
