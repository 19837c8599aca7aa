// Requests of other client protocols: WebSockets, long polls and streams that
// have paths of their own.

#include "transport/edge_metrics.hpp"
#include "transport/http_connection.hpp"
#include "transport/http_head.hpp"

#include <boost/asio/post.hpp>

#include <array>
#include <charconv>
#include <utility>

namespace callboard {

namespace asio = boost::asio;

namespace {

constexpr std::string_view endpoint_methods = "GET, POST, DELETE, OPTIONS";

std::string chunk(const std::string& text) {
  std::array<char, 18> size{};
  auto end = std::to_chars(size.data(), size.data() + 16, text.size(), 16).ptr;
  std::string out{size.data(), static_cast<std::size_t>(end - size.data())};
  out.reserve(out.size() + text.size() + 4);
  out += "\r\n";
  out += text;
  out += "\r\n";
  return out;
}

} // namespace

/// What an endpoint holds of one request. The connection may end before it.
class http_connection::exchange_handle final : public endpoint_exchange {
public:
  exchange_handle(std::weak_ptr<http_connection> connection,
                  std::uint64_t number)
      : connection_{std::move(connection)}, number_{number} {
    // nop
  }

  ~exchange_handle() override {
    auto x = answered_ ? nullptr : connection_.lock();
    if (x)
      x->refuse(number_, {{errc::internal, "the request was not answered"}});
  }

  void reply(http_reply x) override {
    answered_ = true;
    if (auto to = connection_.lock())
      to->finish(number_, std::move(x));
  }

  void begin_stream(std::string_view content_type) override {
    answered_ = true;
    if (auto to = connection_.lock())
      to->begin_stream(number_, content_type);
  }

  void write(std::string text) override {
    if (auto to = connection_.lock(); to && !text.empty())
      to->write_stream(number_, std::move(text));
  }

  void end_stream() override {
    if (auto to = connection_.lock())
      to->end_stream(number_);
  }

  std::size_t unsent_bytes() const noexcept override {
    auto from = connection_.lock();
    return from ? from->out_bytes_ : 0;
  }

  void on_drained(std::function<void()> f) override {
    auto to = connection_.lock();
    if (auto* x = to ? to->pipeline_.find(number_) : nullptr)
      x->drained = std::move(f);
  }

  void on_gone(std::function<void()> f) override {
    auto to = connection_.lock();
    if (auto* x = to && !to->closed_ ? to->pipeline_.find(number_) : nullptr)
      x->gone = std::move(f);
  }

private:
  std::weak_ptr<http_connection> connection_;
  std::uint64_t number_;
  bool answered_ = false;
};

/// The request is complete. False when it must wait, or is not ours any more.
bool http_connection::on_endpoint_request(http_endpoint& to) {
  auto& head = reader_->head();
  bool unsent = writing_ || !out_.empty();
  if (!pipeline_.admits(pace::alone) || (head.wants_websocket && unsent)) {
    blocked_ = true; // those before it are answered first
    return false;
  }
  auto target = request_target::parse(head.target);
  endpoint_request x;
  if (target)
    x = take_endpoint_request();
  if (target)
    x.target = std::move(*target);
  if (target && x.token.empty())
    for (auto name : {"access_token", "token"})
      if (auto* token = x.target.find(name))
        x.token = *token;
  auto* home = target ? to.home_of(x) : nullptr;
  if (home != nullptr && home != &hub_) {
    if (unsent) {
      blocked_ = true;
      return false;
    }
    move_to(*home);
    return false;
  }
  if (target && head.wants_websocket && upgrade(to, x))
    return false;
  ++hub_.metrics().http_requests;
  auto made = new_exchange(head);
  input_done_ = !made.keep_alive;
  x.request_id = made.request_id;
  auto number = pipeline_.add(std::move(made), pace::alone).number;
  if (!target) {
    refuse(number, {target.error()});
  } else if (head.wants_websocket) {
    finish(number, std::move(*refused_upgrade_));
    refused_upgrade_.reset();
  } else if (head.method == "OPTIONS") {
    http_reply reply;
    reply.status = 204;
    reply.allow = endpoint_methods;
    reply.preflight = !head.origin.empty();
    reply.allow_headers = head.requested_headers;
    finish(number, std::move(reply));
  } else if (auto body = unpacked_body(); !body) {
    refuse(number, {body.error()});
  } else {
    x.body = std::move(*body);
    to.handle(hub_, std::move(x),
              std::make_shared<exchange_handle>(weak_from_this(), number));
  }
  reader_.reset();
  endpoint_ = nullptr;
  return !closed_;
}

endpoint_request http_connection::take_endpoint_request() {
  auto& head = reader_->head();
  endpoint_request x;
  x.method = head.method;
  x.token = bearer_token(head.authorization);
  x.content_type = media_type(head.content_type);
  x.accept = head.accept;
  x.subprotocols = head.subprotocols;
  x.peer = peer_;
  return x;
}

/// False: `refused_upgrade_` says why not.
bool http_connection::upgrade(http_endpoint& to, const endpoint_request& x) {
  auto opening = to.upgrade(hub_, x);
  if (!opening) {
    refused_upgrade_ = std::make_unique<http_reply>(std::move(opening.error()));
    return false;
  }
  closed_ = handed_over_ = true; // the socket lives on
  hub_.remove(id_);
  in_.release();
  reader_->start_websocket(hub_, std::move(socket_), std::move(*opening));
  return true;
}

// -- moving to another hub ----------------------------------------------------

/// All that belongs to one session is handled by one thread: the connection
/// goes where its request's session lives, with what was read of it.
void http_connection::move_to(hub& other) {
  boost::system::error_code ec;
  auto protocol = socket_.local_endpoint(ec).protocol();
  if (ec)
    return close();
  auto fd = socket_.release(ec);
  if (ec)
    return close();
  closed_ = handed_over_ = true;
  hub_.remove(id_);
  asio::post(
    other.io(), [&other, &node = node_, kind = kind_,
                 reader = std::move(reader_), in = std::move(in_),
                 socket = tcp::socket{other.io(), protocol, fd}]() mutable {
      std::make_shared<http_connection>(other, node, std::move(socket), kind)
        ->adopt(std::move(reader), std::move(in));
    });
}

void http_connection::adopt(std::unique_ptr<http_reader> reader,
                            input_buffer in) {
  if (!enter_hub())
    return;
  reader_ = std::move(reader);
  in_ = std::move(in);
  endpoint_ = node_.endpoint_at(path_of(reader_->head().target));
  consume();
}

// -- streams ------------------------------------------------------------------

void http_connection::begin_stream(std::uint64_t number,
                                   std::string_view content_type) {
  auto* x = pipeline_.find(number);
  if (closed_ || x == nullptr || x->reply || x->streaming)
    return;
  x->streaming = true;
  http_reply head;
  head.content_type = content_type;
  head.stream = true;
  if (x->http_1_0) // its body ends with the connection
    x->keep_alive = false;
  input_done_ = input_done_ || !x->keep_alive;
  auto bytes
    = render(std::move(head),
             {x->request_id, content_coding::identity, x->head_only,
              x->keep_alive, x->http_1_0, x->cors_origin, x->of_endpoint});
  ++hub_.metrics().http_responses[1];
  put(std::move(bytes.head));
}

void http_connection::write_stream(std::uint64_t number, std::string text) {
  auto* x = pipeline_.find(number);
  if (!closed_ && x != nullptr && x->streaming && !x->head_only)
    put(x->http_1_0 ? std::move(text) : chunk(text));
}

void http_connection::end_stream(std::uint64_t number) {
  auto* x = pipeline_.find(number);
  if (closed_ || x == nullptr || !x->streaming)
    return;
  bool chunked = !x->http_1_0 && !x->head_only;
  pipeline_.pop(); // it is alone
  if (chunked)
    put("0\r\n\r\n");
  else
    end_if_done();
}

/// Queues bytes of the reply that is being sent.
void http_connection::put(std::string bytes) {
  out_bytes_ += bytes.size();
  out_.push_back(std::move(bytes));
  if (!writing_)
    hub_.flush_later(*this);
}

void http_connection::tell_drained() {
  auto* x = pipeline_.oldest();
  if (x == nullptr || !x->streaming || !x->drained)
    return;
  auto drained = x->drained; // may end the stream, and with it `x`
  drained();
}

void http_connection::tell_gone() {
  std::vector<std::function<void()>> all;
  pipeline_.for_each([&all](http_exchange& x) {
    if (x.gone)
      all.push_back(std::exchange(x.gone, nullptr));
  });
  for (auto& gone : all)
    gone();
}

} // namespace callboard
