#include "transport/link/dial_target.hpp"

#include "transport/listener.hpp"

#include <utility>

namespace callboard {

namespace asio = boost::asio;

using boost::system::error_code;

namespace {

/// Endpoints of one name that are tried before it is looked up again.
constexpr std::size_t most_endpoints = 8;

} // namespace

dial_target::dial_target(std::shared_ptr<asio::io_context> io,
                         std::string address, times when, dial_owner& owner)
    : io_{std::move(io)}, address_{std::move(address)}, times_{when},
      owner_{owner}, timer_{*io_}, socket_{*io_}, random_{
                                                    std::random_device{}()} {
  // nop
}

template <class Handler>
void dial_target::after(std::chrono::milliseconds time, Handler handler) {
  timer_.expires_after(time);
  timer_.async_wait([self = shared_from_this(), before = phase_,
                     handler](const error_code& ec) {
    if (!ec && self->phase_ == before)
      handler(*self);
  });
}

void dial_target::wake(int pauses) {
  if (phase_ != phase::waiting)
    return;
  phase_ = phase::pausing;
  auto percent = std::uniform_int_distribution<int>{80, 120}(random_);
  after(times_.pause * (pauses * percent) / 100,
        [](dial_target& self) { self.dial(); });
}

void dial_target::retire() {
  phase_ = phase::retired;
  timer_.cancel();
  error_code ignored;
  socket_.close(ignored);
}

void dial_target::dial() {
  if (owner_.is_covered(*this)) {
    phase_ = phase::waiting;
    return;
  }
  auto parts = split_address(address_);
  if (!parts) // it stays wrong, but a log line now and then says so
    return failed(parts.error().detail);
  phase_ = phase::finding;
  // A name server that is gone does not keep us from where the peer was.
  after(times_.limit, [](dial_target& self) {
    if (!self.endpoints_.empty())
      self.connect(0);
  });
  if (std::exchange(looking_, true))
    return;
  look_up(io_, parts->first, parts->second,
          [weak = weak_from_this()](looked_up x) {
            if (auto self = weak.lock())
              self->found(std::move(x));
          });
}

void dial_target::found(looked_up x) {
  looking_ = false;
  if (!x.endpoints.empty()) {
    endpoints_ = std::move(x.endpoints);
    if (endpoints_.size() > most_endpoints)
      endpoints_.resize(most_endpoints);
  }
  if (phase_ != phase::finding)
    return;
  if (endpoints_.empty())
    return failed(x.error);
  connect(0);
}

void dial_target::connect(std::size_t index) {
  phase_ = phase::connecting;
  socket_ = tcp::socket{*io_};
  after(times_.limit, [](dial_target& self) {
    error_code ignored;
    self.socket_.close(ignored); // completes the connect
  });
  socket_.async_connect(endpoints_[index],
                        [self = shared_from_this(), index](error_code ec) {
                          self->on_connected(index, ec);
                        });
}

void dial_target::on_connected(std::size_t index, const error_code& ec) {
  if (phase_ != phase::connecting)
    return;
  timer_.cancel();
  if (!ec && socket_.is_open()) {
    phase_ = phase::waiting;
    return owner_.connected(shared_from_this(), std::move(socket_));
  }
  if (index + 1 < endpoints_.size())
    return connect(index + 1);
  auto hung = ec == asio::error::operation_aborted || !ec;
  failed(hung
           ? "no answer within " + std::to_string(times_.limit.count()) + " ms"
           : ec.message());
}

void dial_target::failed(const std::string& why) {
  owner_.unreachable(*this, why);
  phase_ = phase::waiting;
  wake(1);
}

} // namespace callboard
