#include "transport/monitor/monitor_endpoint.hpp"

#include "transport/monitor/monitor_client.hpp"

namespace callboard {

std::unique_ptr<http_endpoint> make_monitor_endpoint(const settings& conf) {
  auto& from = conf.socketio;
  engine_io::endpoint_options options;
  options.session = {from.ping_interval, from.ping_timeout,
                     from.upgrade_timeout, from.max_payload};
  options.max_clients = from.max_connections;
  socket_io::connection_settings sockets;
  sockets.connect_timeout = from.connect_timeout;
  sockets.max_namespaces = from.max_namespaces;
  sockets.packets.attachments = from.max_attachments;
  sockets.packets.attachment_bytes = from.max_payload;
  sockets.packets.json_depth = conf.limits.json_depth;
  return engine_io::make_endpoint(
    std::move(options), [sockets](hub& home, engine_io::client_opening x) {
      return std::make_shared<monitor_client>(home, std::move(x), sockets);
    });
}

} // namespace callboard
