#pragma once

#include "transport/edge_metrics.hpp"
#include "transport/frame_transport.hpp"
#include "transport/hub.hpp"
#include "transport/socket_client.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace callboard {

/// One WebSocket connection. Beast shakes hands, reads, unmasks, checks UTF-8
/// and limits, and answers pings and closes; what the session sends goes from
/// the client's queue to the socket directly, many frames in one call.
///
/// Ends when the peer closes or fails, or after close(): the close frame
/// follows what is queued, then the peer has a few seconds to take it. Includes
/// Beast: for websocket_*.cpp only. On the hub's thread.
class websocket_session final
    : public session,
      private client_channel,
      private frame_sink,
      public std::enable_shared_from_this<websocket_session> {
public:
  using upgrade_request
    = boost::beast::http::request<boost::beast::http::string_body>;

  websocket_session(hub& home, boost::asio::ip::tcp::socket socket,
                    websocket_opening x);
  ~websocket_session() override;

  /// Accepts the upgrade and goes on from there.
  void start(const upgrade_request& upgrade);

  description describe() const override;
  void drain(std::chrono::milliseconds reconnect_in) override;
  void close() override;
  void tick(std::chrono::steady_clock::time_point now) override;
  void flush() override;

private:
  using error_code = boost::beast::error_code;
  using clock = std::chrono::steady_clock;

  /// open: as long as nobody has said goodbye. closing: our close frame is
  /// queued, the peer's is awaited. lingering: nothing more is read but to be
  /// thrown away, until the peer has seen the end. ended: out of the hub.
  enum class phase : std::uint8_t {
    accepting,
    open,
    closing,
    lingering,
    ended
  };

  void on_accept(error_code ec);
  void read();
  void on_read(error_code ec);
  void linger();
  void discard_input();
  void write_queue(error_code& ec);
  void after_writing();
  void begin_closing();
  void close_if_drained(clock::time_point now);
  void end();
  void watch_silence(clock::time_point now);
  void report();

  // client_channel
  void wake() override;
  void close(close_code code, std::string_view reason) override;
  std::uint64_t id() const noexcept override {
    return id_;
  }
  bool is_open() const noexcept override {
    return phase_ == phase::open;
  }
  std::weak_ptr<void> lifetime() override {
    return weak_from_this();
  }

  // frame_sink
  void put_raw(std::string bytes) override;

  hub& home_;
  boost::beast::websocket::stream<frame_transport, false> stream_;
  boost::beast::flat_buffer message_;
  std::shared_ptr<socket_client> client_;
  std::unique_ptr<websocket_opening> opening_; // until the first frame
  std::uint64_t id_ = 0;
  std::int64_t connected_ms_ = 0;
  std::string peer_;
  clock::time_point last_life_; ///< Of the peer.
  clock::time_point last_ping_;
  clock::time_point close_by_;
  std::optional<clock::time_point> drain_by_; ///< Set once the node drains.
  phase phase_ = phase::accepting;
  bool dirty_ = false;   ///< The hub will call flush().
  bool blocked_ = false; ///< The socket takes no more: on_writable will come.
  bool paused_ = false;  ///< Not reading: the client is busy.

  // Since the last report().
  std::uint64_t frames_in_ = 0, frames_out_ = 0, bytes_out_ = 0;
  std::size_t reported_input_ = 0, reported_queue_ = 0;
};

} // namespace callboard
