#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <boost/beast/websocket/teardown.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace callboard {

/// Where a frame_transport puts what Beast wants written.
class frame_sink {
public:
  virtual ~frame_sink() = default;
  virtual void put_raw(std::string bytes) = 0;
};

/// The layer between Beast's WebSocket stream and a socket.
///
/// Reading: takes from the socket as much as there is in one call, hands it on
/// in the small pieces that Beast asks for, and holds no buffer while the peer
/// is silent. Writing: what Beast writes by itself (the handshake's response,
/// pongs, close frames) goes into the session's queue as one piece, so that it
/// leaves in order with the frames that the session puts there directly.
/// Includes Beast: for websocket_session.cpp only.
class frame_transport {
public:
  using socket_type = boost::asio::ip::tcp::socket;
  using executor_type = socket_type::executor_type;
  using error_code = boost::beast::error_code;

  explicit frame_transport(socket_type socket);

  executor_type get_executor() noexcept {
    return socket_.get_executor();
  }
  socket_type& socket() noexcept {
    return socket_;
  }
  void set_sink(frame_sink& x) noexcept {
    sink_ = &x;
  }

  std::chrono::steady_clock::time_point last_input() const noexcept {
    return last_input_;
  }
  std::size_t input_bytes() const noexcept {
    return input_bytes_;
  }

  /// Whether the peer has taken bytes since the last call, although nothing can
  /// be heard of it (it reads slowly, our ping is still in the kernel's queue).
  bool peer_takes() noexcept;

  /// Reads and forgets what there is. would_block: that was all for now.
  void discard(error_code& ec);

  template <class Buffers, class Handler>
  auto async_read_some(const Buffers& to, Handler&& handler) {
    return boost::asio::async_compose<Handler, void(error_code, std::size_t)>(
      read_operation<Buffers>{*this, to}, handler, socket_);
  }

  template <class Buffers, class Handler>
  auto async_write_some(const Buffers& from, Handler&& handler) {
    std::string bytes;
    for (auto i = boost::asio::buffer_sequence_begin(from);
         i != boost::asio::buffer_sequence_end(from); ++i) {
      boost::asio::const_buffer x{*i};
      bytes.append(static_cast<const char*>(x.data()), x.size());
    }
    auto start = [this](auto&& then, std::string text) {
      auto size = text.size();
      sink_->put_raw(std::move(text));
      boost::asio::post(get_executor(), boost::beast::bind_front_handler(
                                          std::forward<decltype(then)>(then),
                                          error_code{}, size));
    };
    return boost::asio::async_initiate<Handler, void(error_code, std::size_t)>(
      start, handler, std::move(bytes));
  }

  /// Beast has said its last word; the session closes the socket once the queue
  /// is written.
  template <class Handler>
  friend void async_teardown(boost::beast::role_type, frame_transport& x,
                             Handler&& handler) {
    boost::asio::post(x.get_executor(),
                      boost::beast::bind_front_handler(
                        std::forward<Handler>(handler), error_code{}));
  }

  friend void teardown(boost::beast::role_type, frame_transport&,
                       error_code& ec) {
    ec = {};
  }

  friend void beast_close_socket(frame_transport& x) {
    error_code ignored;
    x.socket_.close(ignored);
  }

private:
  template <class Buffers>
  struct read_operation {
    enum class state { begin, waiting, ready };

    frame_transport& layer;
    Buffers to;
    state now = state::begin;

    template <class Self>
    void operator()(Self& self, error_code ec = {}, std::size_t = 0) {
      if (now == state::begin && !layer.input_.empty()) {
        now = state::ready; // never from within the initiating call
        boost::asio::post(layer.get_executor(), std::move(self));
        return;
      }
      if (now == state::begin) {
        now = state::waiting;
        layer.socket_.async_wait(socket_type::wait_read, std::move(self));
        return;
      }
      if (now == state::waiting && !ec) {
        layer.fill(ec);
        if (ec == boost::asio::error::would_block) {
          layer.socket_.async_wait(socket_type::wait_read, std::move(self));
          return;
        }
      }
      self.complete(ec, ec ? 0 : layer.take(to));
    }
  };

  /// Reads what there is into `input_`; never without a byte or an error.
  void fill(error_code& ec);

  template <class Buffers>
  std::size_t take(const Buffers& to) {
    auto n = boost::asio::buffer_copy(
      to, boost::asio::buffer(input_.data() + taken_, input_.size() - taken_));
    taken_ += n;
    if (taken_ == input_.size()) {
      input_ = {};
      taken_ = 0;
    }
    return n;
  }

  socket_type socket_;
  frame_sink* sink_ = nullptr;
  std::string input_; // read, not yet handed on from `taken_`
  std::size_t taken_ = 0;
  std::size_t input_bytes_ = 0;
  std::chrono::steady_clock::time_point last_input_;
  int last_unsent_ = 0;
};

} // namespace callboard
