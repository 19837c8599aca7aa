#include "transport/link/link_session.hpp"

#include <boost/asio/post.hpp>
#include <netinet/tcp.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace callboard {

namespace asio = boost::asio;

using boost::system::error_code;

namespace {

/// Unsent bytes that the kernel may hold: they are ahead of every urgent frame
/// that comes later.
constexpr int unsent_bytes = 128 << 10;

/// Batches that one session reads or writes before others have their turn.
constexpr int rounds = 16;

std::string text_of(const asio::ip::tcp::socket& socket) {
  error_code ec;
  auto from = socket.remote_endpoint(ec);
  return ec ? "an unknown address" : from.address().to_string();
}

link_role role_of(const std::shared_ptr<dial_target>& via) {
  return via ? link_role::dialer : link_role::acceptor;
}

std::uint64_t clock_ns() {
  return static_cast<std::uint64_t>(
    std::chrono::steady_clock::now().time_since_epoch()
    / std::chrono::nanoseconds{1});
}

} // namespace

link_session::link_session(peer_session id, tcp::socket socket,
                           std::shared_ptr<dial_target> via,
                           link_commons& commons, session_owner& owner)
    : id_{id}, socket_{std::move(socket)}, timer_{socket_.get_executor()},
      via_{std::move(via)}, commons_{commons}, owner_{owner},
      remote_{text_of(socket_)}, stream_{socket_.native_handle(), role_of(via_),
                                         commons.options.tls.get()},
      outbox_{std::make_shared<link_outbox>(commons.options.queue_bytes)} {
  // nop
}

void link_session::start() {
  error_code ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(tcp::no_delay{true}, ignored);
  using unsent
    = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_NOTSENT_LOWAT>;
  socket_.set_option(unsent{unsent_bytes}, ignored);
  heard_ = clock::now();
  deadline_ = heard_ + commons_.options.dial_timeout;
  rest();
  secure();
}

void link_session::secure() {
  switch (stream_.handshake()) {
  case link_stream::state::done:
    return greet();
  case link_stream::state::wants_read:
    return wait_to_read();
  case link_stream::state::wants_write:
    return wait_to_write();
  case link_stream::state::ended:
  case link_stream::state::failed:
    return fail_stream();
  }
}

void link_session::greet() {
  phase_ = phase::greeting;
  ours_ = make_hello(commons_.self);
  auto hello = encode(ours_);
  (via_ ? said_.dialer_hello : said_.acceptor_hello) = hello;
  say(frame_kind::hello, std::move(hello));
  on_readable(); // TLS may have read further than its handshake
}

// -- reading ------------------------------------------------------------------

void link_session::wait_to_read() {
  socket_.async_wait(tcp::socket::wait_read,
                     [self = shared_from_this()](const error_code& ec) {
                       if (!ec)
                         self->on_readable();
                     });
}

void link_session::on_readable() {
  if (phase_ == phase::over)
    return;
  if (phase_ == phase::securing)
    return secure();
  auto state = read_some();
  if (state == reading::closed)
    return;
  pump();
  if (phase_ == phase::over)
    return;
  if (state == reading::idle)
    return wait_to_read();
  asio::post(socket_.get_executor(),
             [self = shared_from_this()] { self->on_readable(); });
}

link_session::reading link_session::read_some() {
  auto& input = commons_.input;
  if (phase_ == phase::refused)
    return drain();
  for (int i = 0; i < rounds; ++i) {
    auto [what, n] = stream_.read(input);
    if (n > 0) {
      heard_ = clock::now();
      if (!cut({input.data(), n}))
        return reading::closed;
      if (phase_ == phase::refused)
        return reading::more;
    }
    switch (what) {
    case link_stream::state::done:
      break;
    case link_stream::state::wants_read:
    case link_stream::state::wants_write:
      return reading::idle;
    case link_stream::state::ended:
    case link_stream::state::failed:
      fail_stream();
      return reading::closed;
    }
  }
  return reading::more;
}

/// The peer shall read why it was refused: closing with bytes unread would take
/// that from it.
link_session::reading link_session::drain() {
  error_code ec;
  for (int i = 0; i < rounds; ++i) {
    socket_.read_some(asio::buffer(commons_.input), ec);
    if (ec == asio::error::would_block)
      return reading::idle;
    if (ec)
      break;
  }
  close(false);
  return reading::closed;
}

/// False: the connection is closed.
bool link_session::cut(std::string_view bytes) {
  while (phase_ != phase::refused && reader_.next(bytes)) {
    on_frame(reader_.kind(), reader_.take());
    if (phase_ == phase::over)
      return false;
  }
  if (phase_ == phase::refused || reader_.fault().empty())
    return true;
  malformed(reader_.fault());
  return false;
}

void link_session::on_frame(frame_kind kind, std::string body) {
  if (phase_ != phase::up)
    return on_greeting(kind, std::move(body));
  switch (kind) {
  case frame_kind::urgent:
  case frame_kind::normal:
  case frame_kind::bulk:
    if (counters_) {
      counters_->frames_in.fetch_add(1, std::memory_order_relaxed);
      counters_->bytes_in.fetch_add(body.size(), std::memory_order_relaxed);
    }
    return owner_.arrived(*this, static_cast<peer_lane>(kind), std::move(body));
  case frame_kind::ping:
  case frame_kind::pong:
    return on_ping(kind, body);
  case frame_kind::cluster:
    return on_cluster(std::move(body));
  case frame_kind::hello:
  case frame_kind::proof:
  case frame_kind::welcome:
  case frame_kind::refusal:
    return malformed("a greeting in the middle of a session");
  }
}

void link_session::on_ping(frame_kind kind, std::string_view body) {
  if (kind == frame_kind::ping && body.size() == sizeof(std::uint64_t)) {
    outbox_->push_own(frame_kind::pong, std::string{body});
    return;
  }
  auto sent = get_u64(body);
  auto now = clock_ns();
  if (!sent || !body.empty() || *sent > now)
    return malformed("a heartbeat that was never sent");
  if (counters_)
    counters_->round_trip_us.store(
      std::max<std::uint64_t>((now - *sent) / 1000, 1),
      std::memory_order_relaxed);
}

void link_session::on_cluster(std::string body) {
  auto named = theirs_;
  named.who.cluster = std::move(body);
  auto checked = decode_hello(encode(named));
  if (!checked)
    return malformed("the name of a cluster that is none");
  theirs_.who.cluster = checked->who.cluster;
  if (!same_cluster(commons_.self.cluster, theirs_.who.cluster))
    end("it belongs to cluster " + theirs_.who.cluster + " now, this node to "
        + commons_.self.cluster);
}

// -- writing ------------------------------------------------------------------

void link_session::wait_to_write() {
  blocked_ = true;
  socket_.async_wait(tcp::socket::wait_write,
                     [self = shared_from_this()](const error_code& ec) {
                       self->blocked_ = false;
                       if (ec || self->phase_ == phase::over)
                         return;
                       if (self->phase_ == phase::securing)
                         self->secure();
                       else
                         self->pump();
                     });
}

void link_session::pump() {
  if (blocked_ || phase_ == phase::over || phase_ == phase::securing)
    return;
  for (int i = 0; i < rounds; ++i) {
    auto& pieces = outbox_->gather(commons_.scratch, stream_.batch_bytes());
    auto [what, n] = stream_.write(pieces);
    auto empty = pieces.empty();
    outbox_->consume(n);
    account();
    switch (what) {
    case link_stream::state::done:
      break;
    case link_stream::state::wants_read:
      return; // whoever reads pumps
    case link_stream::state::wants_write:
      return wait_to_write();
    case link_stream::state::ended:
    case link_stream::state::failed:
      return fail_stream();
    }
    if (empty) {
      if (phase_ == phase::refused) {
        error_code ignored;
        socket_.shutdown(tcp::socket::shutdown_send, ignored);
      }
      return;
    }
  }
  asio::post(socket_.get_executor(),
             [self = shared_from_this()] { self->pump(); });
}

void link_session::account() {
  auto [frames, bytes] = outbox_->take_written();
  if (!counters_ || frames == 0)
    return;
  counters_->frames_out.fetch_add(frames, std::memory_order_relaxed);
  counters_->bytes_out.fetch_add(bytes, std::memory_order_relaxed);
}

void link_session::say(frame_kind kind, std::string body) {
  outbox_->push_own(kind, std::move(body));
  pump();
}

void link_session::ping() {
  std::string now;
  put_u64(now, clock_ns());
  say(frame_kind::ping, std::move(now));
}

// -- time ---------------------------------------------------------------------

void link_session::rest() {
  auto& times = commons_.options;
  auto pause = times.heartbeat;
  if (phase_ != phase::up)
    pause = std::max(std::chrono::milliseconds{5},
                     std::min(times.heartbeat, times.dial_timeout) / 4);
  timer_.expires_after(pause);
  timer_.async_wait([self = shared_from_this()](const error_code& ec) {
    if (!ec && self->phase_ != phase::over)
      self->tick();
  });
}

void link_session::tick() {
  if (phase_ == phase::up) {
    tick_up();
  } else if (clock::now() >= deadline_) {
    if (phase_ != phase::refused)
      complain("it did not finish its greeting within "
               + std::to_string(commons_.options.dial_timeout.count()) + " ms");
    close(false);
  } else if (is_proved()) {
    owner_.proved(*this);
  }
  if (phase_ != phase::over)
    rest();
}

void link_session::tick_up() {
  auto limit = commons_.options.timeout;
  // If it was this process that stood still, the bytes are there already.
  if (clock::now() - heard_ > limit && read_some() == reading::closed)
    return;
  if (clock::now() - heard_ > limit)
    return end("nothing was heard of it for " + std::to_string(limit.count())
               + " ms");
  ping();
}

// -- the end ------------------------------------------------------------------

void link_session::end(const std::string& why) {
  if (phase_ == phase::over)
    return;
  if (phase_ == phase::up)
    spdlog::warn("the link with {} is over: {}", peer_text(), why);
  close(true);
}

void link_session::leave() {
  pump();
  close(false);
}

void link_session::fail_stream() {
  auto why
    = stream_.error().empty() ? "it closed the connection" : stream_.error();
  if (phase_ == phase::up)
    return end(why);
  if (phase_ == phase::securing)
    complain("TLS: " + why);
  else if (phase_ != phase::refused && !welcomed_)
    complain(why);
  if (phase_ != phase::securing || stream_.error().empty())
    return close(false);
  phase_ = phase::refused; // TLS has told the peer why; it shall read that
  error_code ignored;
  if (stream_.peer_is_plain()) // or rather, TLS has not
    refuse_plainly();
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  wait_to_read();
}

void link_session::malformed(const std::string& what) {
  if (phase_ == phase::up)
    return end(what);
  complain(what);
  close(false);
}

void link_session::close(bool hard) {
  if (phase_ == phase::over)
    return;
  auto self = shared_from_this();
  phase_ = phase::over;
  outbox_->close();
  timer_.cancel();
  error_code ignored;
  if (hard)
    socket_.set_option(tcp::socket::linger{true, 0}, ignored);
  socket_.close(ignored);
  owner_.over(*this);
}

std::string link_session::peer_text() const {
  if (theirs_.who.name.empty())
    return remote_;
  return theirs_.who.name + " at " + remote_;
}

void link_session::complain(const std::string& what) {
  auto text = peer_text();
  if (commons_.log.may_say(text + ": " + what))
    spdlog::warn("no link with {}: {}", text, what);
}

} // namespace callboard
