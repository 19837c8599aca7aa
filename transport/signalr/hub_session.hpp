#pragma once

#include "transport/hub.hpp"
#include "transport/principal.hpp"
#include "transport/signalr/conversation.hpp"
#include "transport/signalr/hub_link.hpp"
#include "transport/signalr/hub_methods.hpp"
#include "transport/viewer.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace callboard::signalr {

/// One SignalR connection, from its negotiation to its end: the conversation,
/// the groups it has joined, and the queue of what it is to be told. Its
/// transports come and go below it: one WebSocket or stream, or many polls;
/// with stateful reconnect one WebSocket after the other.
///
/// Bounds: the queue, as every viewer's (limits.outbound_queue_bytes, then
/// history goes on in its place); what is in the link (link_bytes); and with
/// stateful reconnect what the client has not acknowledged
/// (signalr.reconnect_buffer_bytes). Everything on the hub's thread.
class hub_session final : public viewer,
                          public session,
                          private conversation_events,
                          public std::enable_shared_from_this<hub_session> {
public:
  /// What it was negotiated with.
  struct origin {
    std::string connection_id;    ///< May be told to others.
    std::string connection_token; ///< Only this client knows it.
    std::string peer;
    bool stateful = false; ///< The client asked for stateful reconnect.
  };

  /// `ended` is called once, when nobody should find it any more.
  hub_session(hub& home, principal who, origin from,
              std::function<void()> ended);
  ~hub_session() override;

  /// Enters the hub, to be forgotten if no transport comes.
  void start();

  const origin& from() const noexcept {
    return from_;
  }
  const principal& who() const noexcept {
    return who_;
  }
  hub& home() noexcept {
    return home_;
  }

  /// The same user shows another token: its times and rights count from now on.
  void renew(principal who);

  // -- transports

  /// The kind that it has chosen; none: no transport came yet.
  transport_kind kind() const noexcept {
    return kind_;
  }
  /// It belongs to that kind from now on.
  void choose(transport_kind x) noexcept {
    kind_ = x;
  }

  bool is_attached() const noexcept {
    return link_ != nullptr;
  }
  bool is_over() const noexcept {
    return conversation_.is_over();
  }
  /// Whether another WebSocket may take the place of the one it had.
  bool may_reattach() const noexcept {
    return conversation_.is_stateful();
  }

  /// `x` is good until detach(). Takes the place of a link that it still has.
  void attach(hub_link& x);
  /// Attaches a link that lives as long as the session.
  void attach(std::unique_ptr<hub_link> x);
  /// The link that lives as long as the session; or nullptr.
  hub_link* own_link() noexcept {
    return own_link_.get();
  }
  /// `x` is gone; unless the client may come back this ends the session.
  void detach(const hub_link& x);
  /// Gives up the link that it has, for another one to come.
  void displace();
  /// Whether nothing connects it to its client just now, between polls; it is
  /// forgotten when that takes too long.
  void alone(bool x);
  /// The client knows that it is over.
  void forget();

  /// What the client sent.
  void receive(std::string_view text);

  /// Moves what is queued into the link, as far as there is room.
  void pump();
  /// Has pump() called after all that the hub is handling now.
  void flush_soon();

  bool is_busy() const noexcept;
  bool awaits_engine() const noexcept {
    return methods_.is_busy();
  }
  /// Called when it is not busy any more, once.
  void when_free(std::function<void()> f) {
    when_free_ = std::move(f);
  }
  bool has_waiter() const noexcept {
    return when_free_ != nullptr;
  }

  /// The client is done (DELETE).
  void leave();
  /// The node ends: Close, with leave to come again.
  void announce_end();

  // session
  description describe() const override;
  void drain(std::chrono::milliseconds reconnect_in) override;
  void close() override;
  void tick(std::chrono::steady_clock::time_point now) override;
  void flush() override;

  // viewer
  bool reaches(const project_id& project) const override;
  void subscribed(const subscription& x, event_seq head,
                  std::uint64_t epoch) override;
  void lagged(const subscription& x, event_seq from) override;
  void resync(const subscription& x, event_seq oldest) override;
  void wake() override;

private:
  using clock = std::chrono::steady_clock;

  // conversation_events
  void say(std::string record) override;
  void invoked(const hub_message& x) override;
  void acknowledged() override;
  void over(farewell why) override;

  void enter_hub();
  void leave_hub();
  void end_when_answered(clock::time_point now);
  void check_token(std::chrono::system_clock::time_point now);
  void send(const frame_ptr& x);
  void report();
  void finish_link(const farewell& why);

  hub& home_;
  principal who_;
  origin from_;
  std::function<void()> ended_;
  std::function<void()> when_free_;
  conversation conversation_;
  hub_methods methods_;
  hub_link* link_ = nullptr;
  std::unique_ptr<hub_link> own_link_;
  transport_kind kind_ = transport_kind::none;
  close_code farewell_code_ = close_code::normal;
  bool pumping_ = false;
  bool flushing_ = false;  ///< The hub will call flush().
  bool says_close_ = true; ///< The client does not know yet that it is over.
  bool forgotten_ = false;
  std::uint64_t hub_number_ = 0; ///< 0: not in the hub's list.
  std::int64_t connected_ms_ = 0;
  std::size_t reported_queue_ = 0; ///< In the metric of queued bytes.
  /// Since when nothing connects it to its client.
  std::optional<clock::time_point> alone_since_;
  std::optional<clock::time_point> end_by_; ///< Set once the node drains.
};

} // namespace callboard::signalr
