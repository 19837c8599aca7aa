// The time-outs of a connection, checked once a second.

#include "transport/edge_metrics.hpp"
#include "transport/http_connection.hpp"

namespace callboard {

using std::chrono::milliseconds;

namespace {

/// A body, and a reply, may take the body time-out for each of these.
constexpr std::size_t bytes_per_timeout = 1u << 20;

/// How long we go on reading what a client sends that was refused early.
/// Closing at once would reset the connection, and the client would miss the
/// answer.
constexpr auto linger_time = std::chrono::seconds{5};

milliseconds allowance(milliseconds timeout, std::size_t bytes) noexcept {
  return timeout
         * static_cast<milliseconds::rep>(1 + bytes / bytes_per_timeout);
}

} // namespace

void http_connection::tick(clock::time_point now) {
  auto& listen = hub_.conf().listen;
  check_answer_time(now);
  if (closed_)
    return;
  if (lingering_) {
    if (now - input_since_ > linger_time)
      close();
    return;
  }
  if (writing_) {
    if (now - write_since_ > allowance(listen.body_timeout, out_bytes_))
      close(); // it does not read
    return;
  }
  if (reader_)
    return check_input_time(now);
  if (pipeline_.empty() && out_.empty()
      && now - last_active_ > listen.idle_timeout) {
    ++hub_.metrics().idle_closed;
    close();
  }
}

/// Heads and bodies must come at a reasonable speed: slow ones hold memory.
void http_connection::check_input_time(clock::time_point now) {
  if (!reading_ || input_since_ == clock::time_point{})
    return;
  auto& listen = hub_.conf().listen;
  bool in_body = reader_->has_head();
  auto limit = in_body ? allowance(listen.body_timeout, body_read_)
                       : listen.header_timeout;
  if (now - input_since_ <= limit)
    return;
  ++hub_.metrics().slow_headers;
  auto exchange = new_exchange(reader_->head());
  exchange.keep_alive = false;
  auto number = pipeline_.add(std::move(exchange), pace::alone).number;
  input_done_ = unread_input_ = true;
  owes_continue_ = false;
  reader_.reset();
  admission_.reset();
  refuse(number,
         {{errc::invalid, in_body ? "the request's body came too slowly"
                                  : "the request's headers came too slowly"}},
         408);
}

bool http_connection::waits_for_run() {
  bool out = false;
  pipeline_.for_each(
    [&](http_exchange& x) { out = out || (x.asked && x.takes); });
  return out;
}

void http_connection::check_answer_time(clock::time_point now) {
  std::vector<std::uint64_t> late;
  bool late_write = false;
  pipeline_.for_each([&](http_exchange& x) {
    auto limit = hub_.conf().listen.request_timeout + x.waits;
    if (x.asked && now - x.started > limit) {
      hub_.forget(*x.asked);
      late.push_back(x.number);
      late_write = late_write || (x.method != "GET" && x.method != "HEAD");
    }
  });
  if (late_write) {
    // It may still be applied, and an error would say that it was not: only a
    // lost connection leaves it open.
    close();
    return;
  }
  for (auto number : late)
    refuse(number, {{errc::unavailable, "no answer in time; ask again"}});
}

} // namespace callboard
