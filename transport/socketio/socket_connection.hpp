#pragma once

#include "transport/socketio/socket_packet.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace callboard::socket_io {

class connection;

struct connection_settings {
  /// How long a client may take to join its first namespace.
  std::chrono::milliseconds connect_timeout{45'000};
  std::size_t max_namespaces = 16; ///< Of one connection.
  packet_limits packets;
};

/// An event of a client. `words` and `attachments` are as they came.
struct event {
  std::string data; ///< `["name",…]`, raw JSON.
  std::vector<std::string> attachments;
  std::optional<std::uint64_t> ack; ///< Set: an acknowledgement is wanted.
};

/// What an application does with its clients. Everything is called from within
/// connection::receive() or tick(), and may call the connection.
class handlers {
public:
  virtual ~handlers() = default;

  /// Others are refused as `Invalid namespace`.
  virtual bool serves(std::string_view nsp) const = 0;

  /// A client asks to join; `auth` is the raw JSON object that it brought, `{}`
  /// if none. To be answered with accept() or refuse(), at once or later.
  virtual void connecting(connection& from, const std::string& nsp,
                          std::string auth)
    = 0;

  virtual void on_event(connection& from, const std::string& nsp, event x) = 0;

  /// The client has left a namespace that it was in, or its connection is gone.
  virtual void disconnected(connection& from, const std::string& nsp) = 0;
};

/// The transport below a connection.
class message_output {
public:
  virtual ~message_output() = default;
  virtual void send_message(std::string text, bool binary) = 0;
  /// Ends the connection: the client broke the protocol, or did not connect.
  virtual void end_connection() = 0;
};

/// One client's Socket.IO 5 connection: namespaces over one stream of messages.
/// Knows neither transports nor a clock.
class connection {
public:
  using time_point = std::chrono::steady_clock::time_point;

  connection(const connection_settings& conf, handlers& app,
             message_output& out, time_point now);

  void receive(std::string message, bool binary);
  void tick(time_point now);

  /// When to call tick(), as long as awaits_connect().
  time_point connect_by() const noexcept {
    return connect_by_;
  }
  bool awaits_connect() const noexcept {
    return !connected_once_;
  }

  /// The transport is gone: everything is disconnected.
  void closed();

  // What the application says.

  /// Answers connecting(). `data`: a JSON object that has `sid`.
  void accept(const std::string& nsp, std::string_view data);
  /// `data`: a raw JSON value; empty: none.
  void refuse(const std::string& nsp, std::string_view message,
              std::string_view data = {});

  /// `data`: `["name",…]`. Nothing happens unless the client is in `nsp`.
  void emit(const std::string& nsp, std::string_view data,
            std::vector<std::string> attachments = {});

  /// `done` gets the client's acknowledgement: `data` is `[…]`. It is forgotten
  /// when the client leaves the namespace.
  using ack_handler = std::function<void(event)>;
  void emit(const std::string& nsp, std::string_view data,
            std::vector<std::string> attachments, ack_handler done);

  /// `data`: `[…]`.
  void acknowledge(const std::string& nsp, std::uint64_t id,
                   std::string_view data,
                   std::vector<std::string> attachments = {});

  /// Puts the client out of a namespace.
  void disconnect(const std::string& nsp);

  bool is_in(std::string_view nsp) const noexcept;

private:
  struct membership {
    bool accepted = false;
    std::uint64_t last_ack = 0;
    std::map<std::uint64_t, ack_handler> acks = {};
  };

  void handle(message x);
  void connect(packet x);
  void send(packet head, std::string_view data,
            std::vector<std::string> attachments);
  void leave(const std::string& nsp);
  void fail();

  connection_settings conf_;
  handlers* app_;
  message_output* out_;
  assembler parts_;
  std::map<std::string, membership, std::less<>> namespaces_;
  time_point connect_by_;
  bool connected_once_ = false;
  bool open_ = true;
};

} // namespace callboard::socket_io
