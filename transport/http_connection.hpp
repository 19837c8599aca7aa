#pragma once

#include "transport/call.hpp"
#include "transport/edge_node.hpp"
#include "transport/http_endpoint.hpp"
#include "transport/http_exchange.hpp"
#include "transport/http_reader.hpp"
#include "transport/http_session.hpp"
#include "transport/hub.hpp"
#include "transport/input_buffer.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace callboard {

/// One connection that speaks HTTP/1.1. Lives on its hub's thread.
///
/// Requests are parsed as they come and may be under way together (see `pace`);
/// replies leave in order. Reading stops while too much is under way or unsent:
/// the client's own socket is the queue then. An idle connection holds neither
/// buffer nor parser. All time-outs are checked by tick(), once a second.
class http_connection final
    : public session,
      public std::enable_shared_from_this<http_connection> {
public:
  using tcp = boost::asio::ip::tcp;
  using clock = std::chrono::steady_clock;

  http_connection(hub& home, edge_node& node, tcp::socket socket,
                  listener_kind kind);
  ~http_connection() override;

  void start();

  description describe() const override;
  void drain(std::chrono::milliseconds reconnect_in) override;
  void close() override;
  void tick(clock::time_point now) override;
  void flush() override;

private:
  using admission = tl::expected<routed, refusal>;

  class exchange_handle;

  // Bytes (http_connection.cpp).
  bool enter_hub();
  void read();
  void read_some();
  void on_read(const boost::system::error_code& ec, std::size_t n);
  void consume();
  bool step(); // false: nothing more to do with the input for now
  void reject_input();
  bool may_read() const noexcept;
  void send_ready_replies();
  void on_written(const boost::system::error_code& ec, std::size_t n);
  void end_if_done();
  void linger();
  // Time-outs (http_times.cpp).
  void check_input_time(clock::time_point now);
  void check_answer_time(clock::time_point now);
  bool waits_for_run();
  void send_workers_away();

  // Requests (http_requests.cpp).
  void on_head();
  bool on_request();
  http_exchange new_exchange(const http_head& head) const;
  admission admit(const http_head& head);
  result<void> authenticate(const http_head& head);
  std::string_view cors_origin(const http_head& head) const noexcept;
  void dispatch();
  result<std::string> unpacked_body();
  result<plan> plan_request(const http_head& head, const routed& to);
  void run(std::uint64_t number, action what);
  bool names_itself(end_session& x) const;
  void finish(std::uint64_t number, http_reply reply);
  void refuse(std::uint64_t number, const refusal& why, int status = 0);
  http_reply readiness_reply(std::string_view request_id);

  // Other client protocols (http_endpoints.cpp).
  bool on_endpoint_request(http_endpoint& to);
  endpoint_request take_endpoint_request();
  bool upgrade(http_endpoint& to, const endpoint_request& x);
  void move_to(hub& other);
  void adopt(std::unique_ptr<http_reader> reader, input_buffer in);
  void begin_stream(std::uint64_t number, std::string_view content_type);
  void write_stream(std::uint64_t number, std::string text);
  void end_stream(std::uint64_t number);
  void put(std::string bytes);
  void tell_drained();
  void tell_gone();

  hub& hub_;
  edge_node& node_;
  tcp::socket socket_;
  std::uint64_t id_ = 0;
  std::string peer_;
  std::int64_t connected_ms_ = 0;
  http_endpoint* endpoint_ = nullptr; ///< That the request read now belongs to.

  std::unique_ptr<http_reply> refused_upgrade_; ///< While it is being told.

  input_buffer in_;
  std::unique_ptr<http_reader> reader_;  ///< While a request is being read.
  std::unique_ptr<admission> admission_; ///< Of that request.
  http_pipeline pipeline_;
  std::vector<std::string> out_;           ///< Ready, not given to the socket.
  std::vector<std::string> in_flight_out_; ///< Given to the socket.
  std::size_t out_bytes_ = 0;              ///< Of both.

  /// The token that came last and what it says: most clients send the same one
  /// with each request.
  std::string last_authorization_;
  std::shared_ptr<const principal> who_;

  clock::time_point last_active_; ///< For idle time-out.
  clock::time_point
    input_since_; ///< This part of a request is read since then.
  clock::time_point write_since_;
  std::size_t read_size_ = 0;
  std::size_t body_read_ = 0; ///< Bytes read while the body was incomplete.

  listener_kind kind_;
  bool reading_ = false;
  bool writing_ = false;
  bool blocked_ = false; ///< A complete request waits for those before it.
  bool owes_continue_ = false; ///< `100 Continue` as soon as it is its turn.
  bool input_done_ = false;    ///< No more requests will be read.
  bool unread_input_ = false;  ///< The client may still be sending.
  bool lingering_ = false;
  bool draining_ = false;
  bool closed_ = false;
  bool handed_over_ = false; ///< It is a WebSocket now.
};

} // namespace callboard
