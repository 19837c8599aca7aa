#pragma once

#include "transport/http_endpoint.hpp"
#include "transport/hub.hpp"
#include "transport/socketio/engine_session.hpp"
#include "transport/viewer.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace callboard::engine_io {

class websocket_link;

/// What a session begins with.
struct client_opening {
  std::string sid;
  std::string token; ///< Of the request; empty: none.
  std::string peer;
  transport_kind transport = transport_kind::polling;
  session_settings conf;
  /// Called once when requests for it may be forgotten. Hub's thread.
  std::function<void()> on_gone;
};

/// One Engine.IO session with its transports: long-polling exchanges, or a
/// WebSocket through its websocket_link. What the application sends waits in
/// `viewer::out` (as Engine.IO packets), bounded as every viewer's queue is.
/// Derive from it to say what messages mean. On one hub's thread.
class client : public viewer,
               public callboard::session,
               public std::enable_shared_from_this<client>,
               private session_output {
public:
  client(hub& home, client_opening x);
  ~client() override;

  /// Queues the handshake; called once, before anything else.
  void start();

  // The endpoint's side.
  void get(std::shared_ptr<endpoint_exchange> to);
  void post(const endpoint_request& x, std::shared_ptr<endpoint_exchange> to);
  bool begin_probe();

  // The links' side.
  void opened(websocket_link& from);
  void received(websocket_link& from, std::string message, bool binary);
  void lost(websocket_link& from);
  void wrote();
  void check_time(std::chrono::steady_clock::time_point now);

  /// Ends the session in a way that makes clients come again.
  void end_for_restart();

  /// Whether a request that carries `token` (empty: none) may use the session.
  virtual bool admits(const std::string& token) = 0;
  virtual const principal& who() const noexcept = 0;
  virtual std::string_view vocabulary_name() const noexcept = 0;
  /// Too much is unanswered, or too many replies wait: read no more for now.
  virtual bool is_busy() const noexcept;
  virtual bool awaits_engine() const noexcept;

  // session: only while there is no WebSocket that speaks for it
  description describe() const override;
  void drain(std::chrono::milliseconds reconnect_in) override;
  void close() override;
  void tick(std::chrono::steady_clock::time_point now) override;

  void wake() override;

protected:
  /// A message of the client.
  virtual void on_message(std::string data, bool binary) override = 0;
  /// The session has ended; nothing can be sent any more.
  virtual void ended() = 0;
  /// When on_time() is to be called; time_point::max(): never.
  virtual std::chrono::steady_clock::time_point alarm() const noexcept;
  virtual void on_time(std::chrono::steady_clock::time_point now);
  /// About once a second.
  virtual void on_second();

  void send_message(std::string text, bool binary);
  void end_session(end_reason why = end_reason::server_close);
  /// Alarm() may have changed, or the client may be read from again.
  void refresh();

  bool is_open() const noexcept {
    return engine_.is_open();
  }
  const client_opening& opening() const noexcept {
    return opening_;
  }
  hub& home() const noexcept {
    return home_;
  }

private:
  struct timer;

  // session_output
  void put(std::string packet) override;
  void release_poll(std::string packet) override;
  void drop_probe() override;
  void on_end(end_reason why) override;

  void pump();
  void answer_later();
  void answer_poll();
  void answer_post();
  void arm();
  void forget();
  void leave_hub();

  hub& home_;
  client_opening opening_;
  session_machine engine_;
  websocket_link* link_ = nullptr;  ///< The transport in use.
  websocket_link* probe_ = nullptr; ///< Wants to become it.
  std::shared_ptr<endpoint_exchange> poll_, post_;
  std::unique_ptr<timer> timer_;
  std::uint64_t hub_id_ = 0; ///< Among the hub's sessions; 0: not.
  std::int64_t connected_ms_ = 0;
  bool answering_ = false; ///< answer_poll() will be called.
  bool released_ = false;  ///< The last poll, without messages.
  bool owes_noop_ = false; ///< To a poll that crossed the client's close.
};

/// 400 with the code and message of the reference.
http_reply refuse(refusal why);

} // namespace callboard::engine_io
