#pragma once

#include "transport/socketio/engine_endpoint.hpp"
#include "transport/socketio/socket_connection.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace callboard::socket_io {

/// One Socket.IO connection over one Engine.IO session. On one hub's thread.
class client : public engine_io::client, private message_output {
public:
  /// `app` outlives it.
  client(hub& home, engine_io::client_opening x,
         const connection_settings& conf, handlers& app);

protected:
  void on_message(std::string data, bool binary) override;
  void ended() override;
  std::chrono::steady_clock::time_point alarm() const noexcept override;
  void on_time(std::chrono::steady_clock::time_point now) override;

  connection& sockets() noexcept {
    return connection_;
  }

private:
  void send_message(std::string text, bool binary) override;
  void end_connection() override;

  connection connection_;
};

/// Serves an application to everybody who comes: for programs that need no
/// more than messages. `app` is called on the threads of all hubs.
std::unique_ptr<http_endpoint>
make_endpoint(engine_io::endpoint_options options,
              const connection_settings& conf, std::shared_ptr<handlers> app);

} // namespace callboard::socket_io
