#include "transport/signalr/http_links.hpp"

#include "transport/signalr/stream_event.hpp"

#include <utility>

namespace callboard::signalr {

namespace {

constexpr std::string_view record_type = "text/plain; charset=utf-8";

http_reply poll_reply(int status, std::string body) {
  http_reply x;
  x.status = status;
  x.body = std::move(body);
  x.content_type = record_type;
  return x;
}

void append_records(std::string& out, const frame_ptr& x) {
  x->for_each_message([&out](std::string_view text, bool) { out += text; });
}

} // namespace

// -- streams ------------------------------------------------------------------

stream_link::stream_link(hub_session& owner,
                         std::shared_ptr<endpoint_exchange> to)
    : owner_{owner}, to_{std::move(to)} {
  to_->begin_stream("text/event-stream");
  std::weak_ptr<hub_session> session = owner.weak_from_this();
  to_->on_drained([session] {
    if (auto x = session.lock())
      x->pump();
  });
  to_->on_gone([session, this] {
    if (auto x = session.lock()) // then this link lives, too
      x->detach(*this);
  });
}

bool stream_link::has_room() const noexcept {
  return to_ && to_->unsent_bytes() + pending_.size() < link_bytes;
}

void stream_link::send(const frame_ptr& x) {
  x->for_each_message([this](std::string_view text, bool) {
    append_stream_event(pending_, text);
  });
}

void stream_link::flush() {
  if (to_ && !pending_.empty())
    to_->write(std::exchange(pending_, {}));
}

void stream_link::wake() {
  owner_.flush_soon();
}

void stream_link::close(close_code, std::string_view) {
  flush();
  if (auto to = std::exchange(to_, nullptr))
    to->end_stream();
}

// -- polls --------------------------------------------------------------------

void poll_link::take(std::shared_ptr<endpoint_exchange> poll) {
  if (poll_)
    answer(poll_reply(204, {}));
  poll_ = std::move(poll);
  since_ = std::chrono::steady_clock::now();
  if (!std::exchange(begun_, true))
    return answer(poll_reply(200, {}));
  owner_.alone(false);
  std::weak_ptr<hub_session> session = owner_.weak_from_this();
  poll_->on_gone([session, this, gone = poll_.get()] {
    auto x = session.lock();
    if (!x || poll_.get() != gone)
      return;
    poll_ = nullptr;
    owner_.alone(true);
  });
  if (closing_ && pending_.empty()) {
    answer(poll_reply(204, {}));
    return owner_.forget();
  }
  if (closing_)
    return flush();
  wake();
}

bool poll_link::has_room() const noexcept {
  return poll_ && pending_.size() < link_bytes;
}

void poll_link::send(const frame_ptr& x) {
  append_records(pending_, x);
}

void poll_link::flush() {
  if (poll_ && !pending_.empty())
    answer(poll_reply(200, std::exchange(pending_, {})));
}

void poll_link::answer(http_reply x) {
  std::exchange(poll_, nullptr)->reply(std::move(x));
  owner_.alone(true);
}

void poll_link::wake() {
  owner_.flush_soon();
}

void poll_link::tick(std::chrono::steady_clock::time_point now) {
  if (poll_ && now - since_ >= owner_.home().conf().signalr.poll_timeout)
    answer(poll_reply(200, {}));
}

void poll_link::close(close_code code, std::string_view) {
  closing_ = true;
  flush();
  if (poll_ && pending_.empty()) {
    answer(poll_reply(204, {}));
    owner_.forget();
  } else if (pending_.empty() && code == close_code::restart) {
    owner_.forget(); // it has heard all, and cannot poll this node again
  }
}

} // namespace callboard::signalr
