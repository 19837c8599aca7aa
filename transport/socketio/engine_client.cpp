#include "transport/socketio/engine_client.hpp"

#include "transport/edge_metrics.hpp"
#include "transport/socketio/websocket_link.hpp"
#include "transport/viewer_rooms.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <utility>

namespace callboard::engine_io {

namespace {

using clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

/// What is handed to a WebSocket before it is written.
constexpr std::size_t link_bytes = 64u << 10;
/// About how large the answer to a poll becomes.
constexpr std::size_t poll_bytes = 256u << 10;
constexpr std::size_t most_packets = 10'000;
/// So long a poll may come after the close that it crossed.
constexpr auto crossing_time = 100ms;

constexpr std::string_view poll_type = "text/plain; charset=UTF-8";

std::int64_t unix_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
           std::chrono::system_clock::now().time_since_epoch())
    .count();
}

http_reply ok(std::string body, std::string_view type) {
  http_reply x;
  x.body = std::move(body);
  x.content_type = type;
  return x;
}

} // namespace

http_reply refuse(refusal why) {
  http_reply x;
  x.status = 400;
  x.body = refusal_body(why);
  return x;
}

struct client::timer {
  boost::asio::steady_timer it;
  clock::time_point due = clock::time_point::max();
};

client::client(hub& home, client_opening x)
    : viewer{home.conf().limits.outbound_queue_bytes}, home_{home},
      opening_{std::move(x)}, engine_{opening_.conf, opening_.sid,
                                      opening_.transport, clock::now(), *this},
      timer_{new timer{boost::asio::steady_timer{home.io()}}}, connected_ms_{
                                                                 unix_ms()} {
  // nop
}

client::~client() = default;

void client::start() {
  put(engine_.handshake());
  if (engine_.transport() == transport_kind::polling)
    hub_id_ = home_.add(shared_from_this());
  arm();
}

// -- polling ------------------------------------------------------------------

void client::get(std::shared_ptr<endpoint_exchange> to) {
  if (std::exchange(owes_noop_, false)) {
    to->reply(ok(encode_packet(packet_type::noop), poll_type));
    return forget();
  }
  engine_.tick(clock::now());
  if (engine_.poll(clock::now()) == session_machine::verdict::refused)
    return to->reply(refuse(refusal::bad_request));
  poll_ = std::move(to);
  released_ = false;
  poll_->on_gone([weak = weak_from_this(), gone = poll_.get()] {
    auto self = weak.lock();
    if (!self || self->poll_.get() != gone)
      return;
    self->poll_.reset();
    self->engine_.poll_lost();
  });
  if (!out.empty())
    answer_later();
  arm();
}

void client::post(const endpoint_request& x,
                  std::shared_ptr<endpoint_exchange> to) {
  auto now = clock::now();
  engine_.tick(now);
  if (x.body.size() > opening_.conf.max_payload) {
    http_reply too_large;
    too_large.status = 413;
    return to->reply(std::move(too_large));
  }
  if (engine_.post() == session_machine::verdict::refused)
    return to->reply(refuse(refusal::bad_request));
  auto packets = x.content_type == "application/octet-stream"
                   ? std::nullopt
                   : decode_payload(x.body, most_packets);
  if (!packets) {
    engine_.receive_garbage();
    return to->reply(refuse(refusal::bad_request));
  }
  post_ = std::move(to);
  for (auto& one : *packets)
    engine_.receive(std::move(one), now);
  answer_post();
  arm();
}

/// A client that is ahead of us waits for the answer to its POST.
void client::answer_post() {
  if (!post_ || (engine_.is_open() && is_busy()))
    return;
  engine_.post_done();
  std::exchange(post_, nullptr)->reply(ok("ok", "text/html"));
}

/// After all that is happening now, so that it goes out together.
void client::answer_later() {
  if (!poll_ || std::exchange(answering_, true))
    return;
  home_.post([weak = weak_from_this()] {
    if (auto self = weak.lock()) {
      self->answering_ = false;
      self->answer_poll();
    }
  });
}

void client::answer_poll() {
  if (!poll_ || out.empty())
    return;
  payload text;
  while (!out.empty() && text.size() < poll_bytes)
    out.pop()->for_each_message([&text](std::string_view message, bool binary) {
      text.add(message, binary);
    });
  engine_.poll_answered();
  std::exchange(poll_, nullptr)->reply(ok(text.take(), poll_type));
  wrote();
}

void client::release_poll(std::string packet) {
  released_ = true;
  engine_.poll_answered();
  if (auto to = std::exchange(poll_, nullptr))
    to->reply(ok(std::move(packet), poll_type));
}

// -- WebSockets ---------------------------------------------------------------

bool client::begin_probe() {
  auto ok
    = engine_.begin_probe(clock::now()) == session_machine::verdict::accepted;
  arm();
  return ok;
}

void client::opened(websocket_link& from) {
  if (!engine_.is_open())
    return from.close(close_code::going_away, "the session has ended");
  if (opening_.transport == transport_kind::websocket) {
    link_ = &from;
    pump();
  } else {
    probe_ = &from;
  }
}

void client::received(websocket_link& from, std::string message, bool binary) {
  auto now = clock::now();
  auto read = binary ? packet{packet_type::message, true, std::move(message)}
                     : decode_packet(message);
  if (&from == link_) {
    if (read)
      engine_.receive(std::move(*read), now);
    else
      engine_.receive_garbage();
  } else if (&from == probe_) {
    switch (engine_.probe(read, now)) {
    case session_machine::probe_step::answer_probe:
      from.send(encode_packet(packet_type::pong, read->data));
      break;
    case session_machine::probe_step::upgraded:
      probe_ = nullptr;
      link_ = &from;
      leave_hub(); // its WebSocket is in the list
      pump();
      break;
    case session_machine::probe_step::failed:
      from.close(close_code::going_away, "no upgrade");
    }
  }
  arm();
}

void client::lost(websocket_link& from) {
  if (&from == probe_) {
    probe_ = nullptr;
    engine_.probe_lost();
  } else if (&from == link_) {
    link_ = nullptr;
    engine_.transport_lost();
  }
}

void client::drop_probe() {
  if (auto* x = std::exchange(probe_, nullptr))
    x->close(close_code::going_away, "no upgrade");
}

// -- sending ------------------------------------------------------------------

void client::put(std::string packet) {
  out.push_reply(outbound_frame::text(std::move(packet)));
  wake();
}

void client::send_message(std::string text, bool binary) {
  if (!engine_.is_open())
    return;
  if (!binary)
    return put(encode_packet(packet_type::message, text));
  out.push_reply(outbound_frame::binary(std::move(text)));
  wake();
}

void client::wake() {
  if (link_ != nullptr)
    pump();
  else
    answer_later();
}

void client::pump() {
  if (link_ == nullptr || out.empty())
    return;
  while (!out.empty() && link_->out.bytes() < link_bytes)
    link_->out.push_reply(out.pop());
  link_->wake();
}

void client::wrote() {
  pump();
  if (is_behind() && out.low() && engine_.is_open())
    home_.rooms().drained(*this);
  answer_post();
}

void client::refresh() {
  arm();
  answer_post();
  if (link_ != nullptr)
    link_->wake(); // reading may go on
}

bool client::is_busy() const noexcept {
  return awaits_engine()
         || out.reply_bytes() > home_.conf().limits.outbound_queue_bytes;
}

bool client::awaits_engine() const noexcept {
  return false;
}

// -- time ---------------------------------------------------------------------

clock::time_point client::alarm() const noexcept {
  return clock::time_point::max();
}

void client::on_time(clock::time_point) {
  // nop: not every application has times
}

void client::on_second() {
  // nop: likewise
}

void client::arm() {
  auto due = engine_.is_open() ? std::min(engine_.next_deadline(), alarm())
                               : clock::time_point::max();
  // A deadline that has moved away is found out when the timer fires.
  if (due >= timer_->due)
    return;
  timer_->due = due;
  timer_->it.expires_at(due);
  timer_->it.async_wait(
    [weak = weak_from_this()](const boost::system::error_code& ec) {
      auto self = weak.lock();
      if (ec || !self)
        return;
      auto now = clock::now();
      self->timer_->due = clock::time_point::max();
      self->engine_.tick(now);
      if (self->alarm() <= now)
        self->on_time(now);
      self->arm();
    });
}

void client::check_time(clock::time_point) {
  if (engine_.is_open())
    on_second();
}

void client::tick(clock::time_point now) {
  check_time(now);
}

// -- ending -------------------------------------------------------------------

void client::end_session(end_reason why) {
  engine_.close(why);
}

void client::end_for_restart() {
  if (link_ != nullptr && engine_.is_open()) {
    pump();
    link_->close(close_code::restart, "the node drains");
  }
  engine_.close();
}

void client::drain(std::chrono::milliseconds) {
  end_for_restart();
}

void client::close() {
  end_session();
}

void client::on_end(end_reason why) {
  auto self = shared_from_this();
  timer_->it.cancel();
  home_.rooms().forget(*this);
  ended();
  auto crossed = why == end_reason::client_close && !link_ && !released_;
  if (auto* x = std::exchange(link_, nullptr)) {
    out.drop_events([](subscription&, event_seq) {});
    while (!out.empty())
      x->out.push_reply(out.pop());
    x->close(close_code::normal, {});
  }
  out.clear();
  if (auto to = std::exchange(poll_, nullptr))
    to->reply(refuse(refusal::bad_request));
  leave_hub();
  if (!crossed)
    return forget();
  owes_noop_ = true;
  timer_->it.expires_after(crossing_time);
  timer_->it.async_wait([self](const boost::system::error_code&) {
    self->owes_noop_ = false;
    self->forget();
  });
}

void client::forget() {
  if (auto f = std::exchange(opening_.on_gone, nullptr))
    f();
}

void client::leave_hub() {
  if (auto id = std::exchange(hub_id_, 0); id != 0)
    home_.remove(id);
}

callboard::session::description client::describe() const {
  description x;
  x.id = hub_id_;
  x.user = who().subject;
  x.tenant = who().tenant;
  x.transport = "polling";
  x.vocabulary = vocabulary_name();
  x.peer = opening_.peer;
  x.connected_ms = connected_ms_;
  x.rooms = room_names();
  x.queue_bytes = out.bytes();
  x.lagging = is_behind();
  return x;
}

} // namespace callboard::engine_io
