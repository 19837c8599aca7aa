#include "transport/signalr/hub_session.hpp"

#include "transport/edge_metrics.hpp"
#include "transport/viewer_rooms.hpp"

#include <utility>

namespace callboard::signalr {

namespace {

using namespace std::chrono_literals;

/// How long a draining node waits for answers to what a client has asked.
constexpr auto answer_within = 1s;

conversation::limits limits_of(const settings& conf, bool stateful) {
  conversation::limits x;
  x.message_bytes = conf.limits.message_bytes;
  x.json_depth = conf.limits.json_depth;
  x.reconnect_buffer_bytes = conf.signalr.reconnect_buffer_bytes;
  x.handshake = conf.signalr.handshake_timeout;
  x.keep_alive = conf.signalr.keep_alive_interval;
  x.client_silence = conf.signalr.client_timeout;
  x.stateful = stateful;
  return x;
}

std::int64_t unix_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
           std::chrono::system_clock::now().time_since_epoch())
    .count();
}

} // namespace

std::string_view to_string(transport_kind x) noexcept {
  switch (x) {
  case transport_kind::none:
    return "negotiated";
  case transport_kind::websocket:
    return "websocket";
  case transport_kind::stream:
    return "server-sent-events";
  case transport_kind::polling:
    return "long-polling";
  }
  return {};
}

hub_session::hub_session(hub& home, principal who, origin from,
                         std::function<void()> ended)
    : viewer{home.conf().limits.outbound_queue_bytes}, home_{home},
      who_{std::move(who)}, from_{std::move(from)}, ended_{std::move(ended)},
      conversation_{limits_of(home.conf(), from_.stateful), *this,
                    clock::now()},
      methods_{home, *this, who_, [this] { return weak_from_this().lock(); }},
      connected_ms_{unix_ms()} {
  home_.metrics().signalr_connections.fetch_add(1, std::memory_order_relaxed);
}

hub_session::~hub_session() {
  home_.metrics().signalr_connections.fetch_sub(1, std::memory_order_relaxed);
}

void hub_session::start() {
  alone_since_ = clock::now();
  enter_hub();
}

void hub_session::enter_hub() {
  if (hub_number_ == 0)
    hub_number_ = home_.add(shared_from_this());
}

void hub_session::leave_hub() {
  if (auto number = std::exchange(hub_number_, 0); number != 0)
    home_.remove(number);
}

void hub_session::renew(principal who) {
  who_ = std::move(who);
  for (auto& name : room_names())
    if (!who_.may_subscribe || !reaches(find(name)->room->key.project))
      home_.rooms().unsubscribe(*this, name);
}

// -- links --------------------------------------------------------------------

void hub_session::attach(hub_link& x) {
  displace();
  link_ = &x;
  alone_since_.reset();
  if (x.kind() == transport_kind::websocket)
    leave_hub(); // the WebSocket keeps the time for it, and is in the hub
  conversation_.connected(clock::now());
  if (auto* kept = conversation_.buffer()) {
    home_.metrics().signalr_resumed.fetch_add(1, std::memory_order_relaxed);
    kept->for_each_kept([this](const frame_ptr& frame) { send(frame); });
  }
  link_->wake();
}

void hub_session::attach(std::unique_ptr<hub_link> x) {
  own_link_ = std::move(x);
  attach(*own_link_);
}

void hub_session::displace() {
  auto* old = std::exchange(link_, nullptr);
  if (old == nullptr)
    return;
  conversation_.disconnected();
  old->close(close_code::going_away, "another connection took over");
}

void hub_session::detach(const hub_link& x) {
  if (link_ != nullptr && link_ != &x)
    return; // another has taken its place
  link_ = nullptr;
  if (is_over())
    return forget();
  conversation_.disconnected();
  if (!may_reattach())
    return conversation_.end({});
  alone(true);
  enter_hub();
}

void hub_session::alone(bool x) {
  if (!x)
    alone_since_.reset();
  else if (!alone_since_)
    alone_since_ = clock::now();
}

void hub_session::forget() {
  if (std::exchange(forgotten_, true))
    return;
  out.clear();
  report();
  link_ = nullptr;
  leave_hub();
  ended_();
}

void hub_session::send(const frame_ptr& x) {
  conversation_.sent(clock::now());
  link_->send(x);
}

void hub_session::pump() {
  if (pumping_ || link_ == nullptr)
    return;
  pumping_ = true;
  auto* kept = conversation_.buffer();
  while (!out.empty() && link_->has_room() && !(kept && kept->full())) {
    auto next = out.pop();
    if (kept != nullptr)
      kept->add(next);
    send(next);
  }
  link_->flush();
  pumping_ = false;
  if (is_behind() && out.low())
    home_.rooms().drained(*this);
  methods_.go_on();
  if (when_free_ && !is_busy())
    std::exchange(when_free_, nullptr)();
  if (end_by_)
    end_when_answered(clock::now());
}

// -- what the client says -----------------------------------------------------

void hub_session::receive(std::string_view text) {
  conversation_.feed(text, clock::now());
  // Only a client that never acknowledges gets here: the others are not read
  // from while much waits for them.
  if (conversation_.buffer() && out.reply_bytes() > 2 * out.limit_bytes())
    conversation_.end({"Too much is not acknowledged.", true});
}

bool hub_session::is_busy() const noexcept {
  if (is_over())
    return false;
  // With stateful reconnect what waits may wait for the client's Ack.
  return methods_.is_busy()
         || (!may_reattach() && out.reply_bytes() > out.limit_bytes());
}

void hub_session::say(std::string record) {
  if (link_ == nullptr)
    return;
  send(outbound_frame::text(std::move(record)));
  link_->wake();
}

void hub_session::invoked(const hub_message& x) {
  methods_.invoke(x);
}

void hub_session::acknowledged() {
  wake();
}

void hub_session::leave() {
  says_close_ = false;
  conversation_.end({});
  forget();
}

// -- ending -------------------------------------------------------------------

void hub_session::over(farewell why) {
  home_.rooms().forget(*this);
  methods_.stop();
  auto had_link = link_ != nullptr;
  if (had_link)
    finish_link(why);
  if (when_free_)
    std::exchange(when_free_, nullptr)();
  if (kind_ == transport_kind::polling && had_link)
    alone(true); // until the client has polled once more, or not
  else
    forget();
}

void hub_session::finish_link(const farewell& why) {
  out.drop_events([](subscription&, event_seq) {}); // they are in the history
  while (!out.empty())
    send(out.pop());
  if (conversation_.was_open() && says_close_)
    send(outbound_frame::text(signalr::close(why.error, why.allow_reconnect)));
  link_->flush();
  auto reason = std::string_view{why.error}.substr(0, 64);
  link_->close(farewell_code_, reason);
}

void hub_session::announce_end() {
  if (is_over())
    return;
  auto now = clock::now();
  home_.rooms().forget(*this);
  out.drop_events([](subscription&, event_seq) {});
  end_by_ = now + answer_within;
  end_when_answered(now);
}

void hub_session::end_when_answered(clock::time_point now) {
  if (is_over() || (methods_.awaits_answers() && now < *end_by_))
    return;
  farewell_code_ = close_code::restart;
  conversation_.end({"", true});
}

void hub_session::drain(std::chrono::milliseconds) {
  announce_end();
}

void hub_session::close() {
  farewell_code_ = close_code::going_away;
  conversation_.end({"Closed by an operator.", false});
}

// -- time ---------------------------------------------------------------------

void hub_session::report() {
  auto bytes = out.bytes();
  home_.metrics().queued_bytes.fetch_add(
    bytes - std::exchange(reported_queue_, bytes), std::memory_order_relaxed);
}

void hub_session::tick(clock::time_point now) {
  auto self = weak_from_this().lock(); // it may end here
  report();
  auto too_long
    = alone_since_
      && now - *alone_since_ >= home_.conf().signalr.disconnect_timeout;
  if (is_over()) {
    if (too_long || (end_by_ && now >= *end_by_ + answer_within))
      forget();
    return;
  }
  if (too_long) {
    home_.metrics().signalr_abandoned.fetch_add(1, std::memory_order_relaxed);
    return conversation_.end({});
  }
  if (is_busy())
    conversation_.excuse(now);
  if (link_ != nullptr)
    link_->tick(now);
  conversation_.tick(now, kind_ == transport_kind::polling);
  check_token(std::chrono::system_clock::now());
  if (end_by_)
    end_when_answered(now);
}

void hub_session::check_token(std::chrono::system_clock::time_point now) {
  if (is_over() || !who_.expires || now < *who_.expires)
    return;
  farewell_code_ = close_code::token_expired;
  // With leave to come again: a client has a fresh token by then, or gets 401.
  conversation_.end({"Token expired.", true});
}

void hub_session::flush() {
  flushing_ = false;
  pump();
}

void hub_session::flush_soon() {
  if (hub_number_ != 0 && !std::exchange(flushing_, true))
    home_.flush_later(*this);
}

session::description hub_session::describe() const {
  description x;
  x.id = hub_number_;
  x.user = who_.subject;
  x.tenant = who_.tenant;
  x.transport = to_string(kind_);
  x.vocabulary = "signalr";
  x.peer = from_.peer;
  x.connected_ms = connected_ms_;
  x.rooms = room_names();
  x.queue_bytes = out.bytes();
  x.lagging = is_behind();
  return x;
}

// -- the rooms ----------------------------------------------------------------

bool hub_session::reaches(const project_id& project) const {
  return who_.reaches(project);
}

void hub_session::subscribed(const subscription& x, event_seq, std::uint64_t) {
  methods_.subscribed(x);
}

void hub_session::lagged(const subscription&, event_seq) {
  // The protocol has no word for it; what was dropped comes again.
}

void hub_session::resync(const subscription&, event_seq) {
  // Nor for this: it goes on with what is kept.
}

void hub_session::wake() {
  if (link_ != nullptr)
    link_->wake();
}

} // namespace callboard::signalr
