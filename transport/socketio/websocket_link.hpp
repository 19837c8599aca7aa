#pragma once

#include "transport/socket_client.hpp"
#include "transport/socketio/engine_client.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace callboard::engine_io {

/// One WebSocket of an Engine.IO session: the transport in use, or one that is
/// probing to become it. Passes on; its queue holds only what is written next.
class websocket_link final : public socket_client {
public:
  websocket_link(hub& home, std::shared_ptr<client> to);

  void send(std::string packet);
  void close(close_code code, std::string_view reason);

  // socket_client
  void opened(client_channel& channel) override;
  void receive(std::string message, bool binary) override;
  bool takes_binary() const noexcept override {
    return true;
  }
  void closed() override;
  void wrote() override;
  bool is_busy() const noexcept override;
  bool awaits_engine() const noexcept override;
  bool awaits_answers() const noexcept override;
  void check_time(std::chrono::steady_clock::time_point now) override;
  void announce_end(std::chrono::milliseconds reconnect_in) override;
  const principal& who() const noexcept override;
  std::string_view vocabulary_name() const noexcept override;
  void describe(callboard::session::description& x) const override;
  bool wants_pings() const noexcept override {
    return false;
  }

  // viewer: it looks at no rooms itself
  bool reaches(const project_id& project) const override;
  void subscribed(const subscription& x, event_seq head,
                  std::uint64_t epoch) override;
  void lagged(const subscription& x, event_seq from) override;
  void resync(const subscription& x, event_seq oldest) override;
  void wake() override;

private:
  std::shared_ptr<client> to_;
  client_channel* channel_ = nullptr;
};

} // namespace callboard::engine_io
