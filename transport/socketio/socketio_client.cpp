#include "transport/socketio/socketio_client.hpp"

#include "transport/socketio/plain_client.hpp"

#include <utility>

namespace callboard::socket_io {

using clock = std::chrono::steady_clock;

client::client(hub& home, engine_io::client_opening x,
               const connection_settings& conf, handlers& app)
    : engine_io::client{home, std::move(x)}, connection_{conf, app, *this,
                                                         clock::now()} {
  // nop
}

void client::on_message(std::string data, bool binary) {
  connection_.receive(std::move(data), binary);
}

void client::ended() {
  connection_.closed();
}

clock::time_point client::alarm() const noexcept {
  return connection_.awaits_connect() ? connection_.connect_by()
                                      : clock::time_point::max();
}

void client::on_time(clock::time_point now) {
  connection_.tick(now);
}

void client::send_message(std::string text, bool binary) {
  engine_io::client::send_message(std::move(text), binary);
}

void client::end_connection() {
  end_session();
}

std::unique_ptr<http_endpoint>
make_endpoint(engine_io::endpoint_options options,
              const connection_settings& conf, std::shared_ptr<handlers> app) {
  return engine_io::make_endpoint(
    std::move(options),
    [conf, app = std::move(app)](hub& home, engine_io::client_opening x) {
      return std::make_shared<engine_io::plain<client>>(home, std::move(x),
                                                        conf, *app);
    });
}

} // namespace callboard::socket_io
