#include "transport/websocket_session.hpp"

#include "transport/edge_metrics.hpp"

#include <boost/asio/error.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/http/field.hpp>
#include <spdlog/spdlog.h>

#include <array>
#include <random>
#include <span>
#include <utility>

namespace callboard {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;

namespace {

using namespace std::chrono_literals;

/// How long a peer may take to receive our last words.
constexpr auto close_within = 5s;
/// How long a draining node waits for answers to what a client has asked.
constexpr auto answer_within = 2s;
/// One gathering write: so many pieces (Asio's own limit), about so many bytes.
constexpr std::size_t pieces_per_write = 64;
constexpr std::size_t bytes_per_write = 256u << 10;
/// A connection at rest keeps no larger message buffer than this.
constexpr std::size_t idle_message_bytes = 2048;

constexpr std::string_view ping_frame{"\x89\x00", 2};

std::string close_frame(close_code code, std::string_view reason) {
  std::string x = "\x88";
  x += static_cast<char>(2 + reason.size());
  x += static_cast<char>(static_cast<unsigned>(code) >> 8);
  x += static_cast<char>(static_cast<unsigned>(code) & 0xff);
  return x.append(reason);
}

bool is_close_frame(std::string_view bytes) {
  return !bytes.empty() && bytes.front() == '\x88';
}

/// Between half of `x` and all of it: clients come back one after the other.
std::chrono::milliseconds spread(std::chrono::milliseconds x) {
  thread_local std::minstd_rand random{std::random_device{}()};
  std::uniform_int_distribution<std::int64_t> any{x.count() / 2, x.count()};
  return std::chrono::milliseconds{any(random)};
}

std::string address_of(const asio::ip::tcp::socket& x) {
  beast::error_code ec;
  auto peer = x.remote_endpoint(ec);
  return ec ? std::string{}
            : peer.address().to_string() + ':' + std::to_string(peer.port());
}

std::int64_t unix_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
           std::chrono::system_clock::now().time_since_epoch())
    .count();
}

} // namespace

websocket_session::websocket_session(hub& home, asio::ip::tcp::socket socket,
                                     websocket_opening x)
    : home_{home}, stream_{std::move(socket)}, client_{x.client},
      opening_{std::make_unique<websocket_opening>(std::move(x))},
      connected_ms_{unix_ms()}, last_life_{clock::now()}, last_ping_{
                                                            last_life_} {
  auto& transport = stream_.next_layer();
  transport.set_sink(*this);
  peer_ = address_of(transport.socket());
  stream_.read_message_max(opening_->max_message_bytes != 0
                             ? opening_->max_message_bytes
                             : home.conf().limits.message_bytes);
  home.metrics().websocket_sessions.fetch_add(1, std::memory_order_relaxed);
}

websocket_session::~websocket_session() {
  home_.metrics().websocket_sessions.fetch_sub(1, std::memory_order_relaxed);
  home_.metrics().sessions_closed.fetch_add(1, std::memory_order_relaxed);
}

void websocket_session::start(const upgrade_request& upgrade) {
  id_ = home_.add(shared_from_this());
  if (!opening_->subprotocol.empty())
    stream_.set_option(websocket::stream_base::decorator(
      [x = opening_->subprotocol](websocket::response_type& response) {
        response.set(beast::http::field::sec_websocket_protocol, x);
      }));
  stream_.async_accept(upgrade,
                       beast::bind_front_handler(&websocket_session::on_accept,
                                                 shared_from_this()));
}

void websocket_session::on_accept(error_code ec) {
  if (phase_ != phase::accepting)
    return;
  if (ec)
    return linger(); // Beast has written why, as an HTTP response
  stream_.set_option(websocket::stream_base::decorator{
    [](websocket::response_type&) {}}); // frees the one with the subprotocol
  phase_ = phase::open;
  auto asked = std::move(opening_);
  if (auto& refused = asked->refused) {
    if (!refused->notice.empty())
      client_->out.push_reply(outbound_frame::text(refused->notice));
    close(refused->code, refused->reason);
  } else {
    client_->opened(*this);
  }
  read();
}

// -- reading ------------------------------------------------------------------

void websocket_session::read() {
  paused_ = false;
  if (message_.capacity() > idle_message_bytes)
    message_.shrink_to_fit();
  stream_.async_read(message_,
                     [self = shared_from_this()](error_code ec, std::size_t) {
                       self->on_read(ec);
                     });
}

void websocket_session::on_read(error_code ec) {
  if (phase_ == phase::lingering || phase_ == phase::ended)
    return;
  if (ec)
    return linger(); // Beast has put its close frame, if any, into the queue
  ++frames_in_;
  if (phase_ == phase::open && !stream_.got_text()
      && !client_->takes_binary()) {
    home_.metrics().bad_frames.fetch_add(1, std::memory_order_relaxed);
    close(close_code::binary, "text frames only");
  } else if (phase_ == phase::open) {
    client_->receive(beast::buffers_to_string(message_.data()),
                     stream_.got_binary());
  }
  message_.clear();
  if (phase_ == phase::open && client_->is_busy())
    paused_ = true;
  else
    read();
}

void websocket_session::linger() {
  if (phase_ == phase::ended)
    return;
  phase_ = phase::lingering;
  close_by_ = clock::now() + close_within;
  client_->closed();
  flush();
}

void websocket_session::discard_input() {
  auto& transport = stream_.next_layer();
  error_code ec;
  transport.discard(ec);
  if (ec != asio::error::would_block)
    return end();
  transport.socket().async_wait(frame_transport::socket_type::wait_read,
                                [self = shared_from_this()](error_code failed) {
                                  if (failed)
                                    self->end();
                                  else if (self->phase_ != phase::ended)
                                    self->discard_input();
                                });
}

// -- writing ------------------------------------------------------------------

void websocket_session::wake() {
  if (dirty_ || blocked_ || phase_ == phase::ended)
    return;
  dirty_ = true;
  home_.flush_later(*this);
}

void websocket_session::put_raw(std::string bytes) {
  if (phase_ == phase::closing || phase_ == phase::ended)
    return; // Beast's answer to a close comes after our own
  auto says_goodbye = phase_ == phase::open && is_close_frame(bytes);
  client_->out.push_reply(outbound_frame::raw(std::move(bytes)));
  wake();
  if (says_goodbye)
    begin_closing();
}

void websocket_session::begin_closing() {
  phase_ = phase::closing;
  close_by_ = clock::now() + close_within;
  client_->closed();
}

void websocket_session::flush() {
  dirty_ = false;
  if (blocked_ || phase_ == phase::ended)
    return;
  error_code ec;
  write_queue(ec);
  if (ec && ec != asio::error::would_block)
    return end();
  after_writing();
}

void websocket_session::write_queue(error_code& ec) {
  std::array<std::string_view, pieces_per_write> pieces;
  std::array<asio::const_buffer, pieces_per_write> buffers;
  auto& socket = stream_.next_layer().socket();
  while (!client_->out.empty()) {
    auto count = client_->out.gather(pieces, bytes_per_write);
    for (std::size_t i = 0; i < count; ++i)
      buffers[i] = asio::buffer(pieces[i]);
    auto written = socket.write_some(std::span{buffers.data(), count}, ec);
    if (ec)
      break;
    bytes_out_ += written;
    frames_out_ += client_->out.consume(written);
  }
  if (ec != asio::error::would_block)
    return;
  blocked_ = true;
  socket.async_wait(frame_transport::socket_type::wait_write,
                    [self = shared_from_this()](error_code failed) {
                      self->blocked_ = false;
                      if (failed)
                        return self->end();
                      self->last_life_ = clock::now(); // the peer made room
                      self->flush();
                    });
}

void websocket_session::after_writing() {
  if (phase_ == phase::lingering || phase_ == phase::closing) {
    if (!client_->out.empty())
      return;
    error_code ignored;
    auto& socket = stream_.next_layer().socket();
    socket.shutdown(asio::socket_base::shutdown_send, ignored);
    if (phase_ == phase::lingering)
      discard_input();
    return;
  }
  close_if_drained(clock::now());
  client_->wrote();
  if (paused_ && !client_->is_busy())
    read();
}

// -- ending -------------------------------------------------------------------

void websocket_session::close(close_code code, std::string_view reason) {
  if (phase_ != phase::open)
    return;
  put_raw(close_frame(code, reason));
  if (paused_)
    read(); // for the peer's close frame
}

void websocket_session::close() {
  if (phase_ == phase::open)
    close(close_code::going_away, "closed by an operator");
  else if (phase_ == phase::accepting)
    end();
}

void websocket_session::drain(std::chrono::milliseconds reconnect_in) {
  if (phase_ != phase::open)
    return close();
  client_->announce_end(spread(reconnect_in));
  drain_by_ = clock::now() + answer_within;
  close_if_drained(clock::now());
}

void websocket_session::close_if_drained(clock::time_point now) {
  if (drain_by_ && (!client_->awaits_answers() || now >= *drain_by_))
    close(close_code::restart, "the node drains");
}

void websocket_session::end() {
  if (phase_ == phase::ended)
    return;
  phase_ = phase::ended;
  client_->closed();
  client_->out.clear();
  report();
  error_code ignored;
  stream_.next_layer().socket().close(ignored);
  home_.remove(id_);
}

// -- time and figures ---------------------------------------------------------

void websocket_session::tick(clock::time_point now) {
  report();
  if (phase_ == phase::closing || phase_ == phase::lingering) {
    if (now >= close_by_)
      end();
    return;
  }
  if (phase_ != phase::open)
    return watch_silence(now);
  if (client_->wants_pings()
      && now - last_ping_ >= home_.conf().listen.ping_interval) {
    last_ping_ = now;
    put_raw(std::string{ping_frame});
  }
  client_->check_time(now);
  close_if_drained(now);
  if (client_->wants_pings())
    watch_silence(now);
}

void websocket_session::watch_silence(clock::time_point now) {
  auto& transport = stream_.next_layer();
  last_life_ = std::max(last_life_, transport.last_input());
  auto limit = home_.conf().listen.idle_timeout;
  if (now - last_life_ < limit / 2)
    return;
  // It is not the peer's fault if we do not read what it says, nor if our ping
  // waits behind a megabyte that it is reading.
  if (transport.peer_takes() || (paused_ && client_->awaits_engine()))
    last_life_ = now;
  if (now - last_life_ < limit)
    return;
  home_.metrics().idle_closed.fetch_add(1, std::memory_order_relaxed);
  if (phase_ == phase::open)
    close(close_code::idle, "nothing heard");
  else
    end();
}

void websocket_session::report() {
  auto add = [](edge_metrics::counter& x, std::uint64_t n) {
    x.fetch_add(n, std::memory_order_relaxed);
  };
  auto& metrics = home_.metrics();
  auto input = stream_.next_layer().input_bytes();
  auto queue = client_->out.bytes();
  add(metrics.frames_in, std::exchange(frames_in_, 0));
  add(metrics.frames_out, std::exchange(frames_out_, 0));
  add(metrics.bytes_in, input - std::exchange(reported_input_, input));
  add(metrics.bytes_out, std::exchange(bytes_out_, 0));
  add(metrics.queued_bytes, queue - std::exchange(reported_queue_, queue));
}

session::description websocket_session::describe() const {
  description x;
  x.id = id_;
  x.transport = "websocket";
  x.peer = peer_;
  x.connected_ms = connected_ms_;
  client_->describe(x);
  return x;
}

} // namespace callboard
