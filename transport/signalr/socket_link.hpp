#pragma once

#include "transport/signalr/hub_link.hpp"
#include "transport/signalr/hub_session.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace callboard::signalr {

/// A session's WebSocket. Its queue holds what the session has sent, and no
/// events of its own.
class socket_link final : public socket_client, public hub_link {
public:
  explicit socket_link(std::shared_ptr<hub_session> owner);
  ~socket_link() override;

  // socket_client
  void opened(client_channel& channel) override;
  void receive(std::string message, bool binary) override;
  void closed() override;
  void wrote() override;
  bool is_busy() const noexcept override;
  bool awaits_engine() const noexcept override;
  bool awaits_answers() const noexcept override;
  void check_time(std::chrono::steady_clock::time_point now) override;
  void announce_end(std::chrono::milliseconds reconnect_in) override;
  const principal& who() const noexcept override;
  std::string_view vocabulary_name() const noexcept override;
  void describe(session::description& x) const override;
  bool wants_pings() const noexcept override;

  // hub_link
  transport_kind kind() const noexcept override {
    return transport_kind::websocket;
  }
  bool has_room() const noexcept override;
  void send(const frame_ptr& x) override;
  void flush() override;
  void wake() override;
  void close(close_code code, std::string_view reason) override;

private:
  // viewer: it looks at no rooms itself.
  bool reaches(const project_id& project) const override;
  void subscribed(const subscription& x, event_seq head,
                  std::uint64_t epoch) override;
  void lagged(const subscription& x, event_seq from) override;
  void resync(const subscription& x, event_seq oldest) override;

  std::shared_ptr<hub_session> owner_;
  client_channel* channel_ = nullptr;
};

} // namespace callboard::signalr
