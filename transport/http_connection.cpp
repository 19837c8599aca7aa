#include "transport/http_connection.hpp"

#include "transport/edge_metrics.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <utility>

namespace callboard {

namespace asio = boost::asio;

using boost::system::error_code;
using std::chrono::milliseconds;

namespace {

constexpr std::size_t smallest_read = 4u << 10;
constexpr std::size_t largest_read = 64u << 10;

} // namespace

http_connection::http_connection(hub& home, edge_node& node, tcp::socket socket,
                                 listener_kind kind)
    : hub_{home}, node_{node}, socket_{std::move(socket)}, kind_{kind} {
  ++hub_.metrics().http_sessions;
}

http_connection::~http_connection() {
  --hub_.metrics().http_sessions;
  if (!handed_over_)
    ++hub_.metrics().sessions_closed;
}

void start_http_session(hub& home, edge_node& node,
                        asio::ip::tcp::socket socket, listener_kind kind) {
  std::make_shared<http_connection>(home, node, std::move(socket), kind)
    ->start();
}

void http_connection::start() {
  if (enter_hub())
    read();
}

/// False: the client is gone already.
bool http_connection::enter_hub() {
  error_code ec;
  auto peer = socket_.remote_endpoint(ec);
  if (ec)
    return false;
  peer_ = peer.address().to_string() + ":" + std::to_string(peer.port());
  connected_ms_ = std::chrono::duration_cast<milliseconds>(
                    std::chrono::system_clock::now().time_since_epoch())
                    .count();
  last_active_ = clock::now();
  id_ = hub_.add(shared_from_this());
  return true;
}

session::description http_connection::describe() const {
  description out;
  out.id = id_;
  if (who_) {
    out.user = who_->subject;
    out.tenant = who_->tenant;
  }
  out.transport = "http";
  out.peer = peer_;
  out.connected_ms = connected_ms_;
  out.queue_bytes = out_bytes_;
  return out;
}

void http_connection::drain(milliseconds) {
  draining_ = true;
  send_workers_away();
  end_if_done();
}

/// Those that wait for a run would wait longer than the node lives.
void http_connection::send_workers_away() {
  std::vector<std::uint64_t> waiting;
  pipeline_.for_each([&](http_exchange& x) {
    if (!x.asked || !x.takes)
      return;
    hub_.forget(*x.asked);
    hub_.target().stop_taking(*x.asked, *x.takes);
    waiting.push_back(x.number);
  });
  problem why{errc::unavailable,
              "this node is about to stop; take from another node or in a "
              "moment",
              {},
              std::chrono::seconds{1}};
  for (auto number : waiting)
    refuse(number, {why});
}

void http_connection::close() {
  if (std::exchange(closed_, true))
    return;
  pipeline_.for_each([this](http_exchange& x) {
    if (x.asked)
      hub_.forget(*x.asked);
    if (x.asked && x.takes)
      hub_.target().stop_taking(*x.asked, *x.takes);
  });
  error_code ignored;
  socket_.close(ignored);
  hub_.remove(id_);
  tell_gone();
}

bool http_connection::may_read() const noexcept {
  auto& limits = hub_.conf().limits;
  return !blocked_ && !input_done_
         && pipeline_.size() < limits.requests_in_flight
         && pipeline_.cost() <= limits.body_bytes
         && out_bytes_ < limits.outbound_queue_bytes;
}

/// Goes on reading if it should and does not.
void http_connection::read() {
  if (closed_ || reading_ || !may_read())
    return;
  reading_ = true;
  auto now = clock::now();
  if (!reader_ && in_.empty()) {
    in_.release();
    read_size_ = smallest_read;
    socket_.async_wait(tcp::socket::wait_read,
                       [self = shared_from_this()](const error_code& ec) {
                         if (ec)
                           return self->on_read(ec, 0);
                         self->last_active_ = clock::now();
                         self->read_some();
                       });
    return;
  }
  // Time in which we did not read is not the client's fault.
  if (input_since_ == clock::time_point{})
    input_since_ = now;
  read_some();
}

void http_connection::read_some() {
  auto room = in_.prepare(read_size_);
  socket_.async_read_some(
    asio::buffer(room.data(), std::min(room.size(), read_size_)),
    [self = shared_from_this()](const error_code& ec, std::size_t n) {
      self->on_read(ec, n);
    });
}

void http_connection::on_read(const error_code& ec, std::size_t n) {
  reading_ = false;
  if (closed_)
    return;
  if (lingering_)
    return ec ? close() : linger();
  if (ec) {
    // A client may close its side and still wait for answers.
    // Clients of endpoints and workers do not: they are gone.
    auto* oldest = pipeline_.oldest();
    if (ec != asio::error::eof || waits_for_run()
        || (oldest != nullptr && oldest->of_endpoint))
      return close();
    input_done_ = true;
    reader_.reset();
    return end_if_done();
  }
  hub_.metrics().bytes_in += n;
  last_active_ = clock::now();
  in_.commit(n);
  if (n == read_size_)
    read_size_ = std::min(2 * read_size_, largest_read);
  if (reader_ && reader_->has_head())
    body_read_ += n;
  consume();
}

void http_connection::consume() {
  if (reading_) // then all that was read is parsed, and its buffer is in use
    return end_if_done();
  blocked_ = false;
  while (!closed_ && may_read() && step()) {
    // as long as the input holds requests
  }
  if (closed_)
    return;
  if (!may_read())
    input_since_ = {};
  read();
  end_if_done();
}

bool http_connection::step() {
  if (!reader_) {
    if (in_.empty())
      return false;
    auto& limits = hub_.conf().limits;
    reader_ = std::make_unique<http_reader>(
      http_reader::limits{limits.body_bytes, limits.header_bytes});
    input_since_ = clock::now();
    body_read_ = 0;
  }
  switch (reader_->feed(in_)) {
  case http_reader::state::more:
    return false;
  case http_reader::state::head:
    input_since_ = clock::now();
    on_head();
    return true;
  case http_reader::state::done:
    return on_request();
  case http_reader::state::failed:
    reject_input();
    return false;
  }
  return false;
}

/// What comes is no HTTP request that we take: one last answer, then the end.
void http_connection::reject_input() {
  auto exchange = new_exchange(reader_->head());
  exchange.keep_alive = false;
  auto number = pipeline_.add(std::move(exchange), pace::alone).number;
  input_done_ = unread_input_ = true;
  owes_continue_ = false;
  refuse(number, {reader_->why()}, reader_->status());
  reader_.reset();
  admission_.reset();
}

void http_connection::send_ready_replies() {
  while (auto* x = pipeline_.oldest()) {
    if (!x->reply)
      break;
    for (auto* part : {&x->reply->head, &x->reply->body})
      if (!part->empty()) {
        out_bytes_ += part->size();
        out_.push_back(std::move(*part));
      }
    pipeline_.pop();
  }
  if (owes_continue_ && pipeline_.empty()) {
    owes_continue_ = false;
    out_.emplace_back("HTTP/1.1 100 Continue\r\n\r\n");
    out_bytes_ += out_.back().size();
  }
  if (!out_.empty() && !writing_)
    hub_.flush_later(*this);
}

void http_connection::flush() {
  if (closed_ || writing_ || out_.empty())
    return;
  writing_ = true;
  write_since_ = clock::now();
  in_flight_out_ = std::exchange(out_, {});
  std::vector<asio::const_buffer> parts;
  parts.reserve(in_flight_out_.size());
  for (auto& x : in_flight_out_)
    parts.emplace_back(asio::buffer(x));
  asio::async_write(
    socket_, parts,
    [self = shared_from_this()](const error_code& ec, std::size_t n) {
      self->on_written(ec, n);
    });
}

void http_connection::on_written(const error_code& ec, std::size_t n) {
  writing_ = false;
  if (closed_)
    return;
  if (ec)
    return close();
  hub_.metrics().bytes_out += n;
  out_bytes_ -= n;
  in_flight_out_ = {};
  last_active_ = clock::now();
  if (!out_.empty())
    return flush();
  tell_drained();
  if (!closed_)
    consume(); // a request may have waited for this
}

void http_connection::end_if_done() {
  if (draining_ && pipeline_.empty() && !reader_)
    input_done_ = true;
  if (closed_ || lingering_ || !input_done_ || !pipeline_.empty() || writing_
      || !out_.empty())
    return;
  if (!unread_input_)
    return close();
  error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  lingering_ = true;
  input_since_ = clock::now();
  linger();
}

void http_connection::linger() {
  if (reading_)
    return;
  reading_ = true;
  in_.release();
  read_size_ = largest_read;
  read_some();
}

} // namespace callboard
