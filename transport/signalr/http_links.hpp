#pragma once

#include "transport/http_endpoint.hpp"
#include "transport/signalr/hub_link.hpp"
#include "transport/signalr/hub_session.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

/// The two transports that send to the client over HTTP; what the client says
/// comes by POST.
namespace callboard::signalr {

/// Server-Sent Events: one response without end.
class stream_link final : public hub_link {
public:
  stream_link(hub_session& owner, std::shared_ptr<endpoint_exchange> to);

  transport_kind kind() const noexcept override {
    return transport_kind::stream;
  }
  bool has_room() const noexcept override;
  void send(const frame_ptr& x) override;
  void flush() override;
  void wake() override;
  void close(close_code code, std::string_view reason) override;

private:
  hub_session& owner_;
  std::shared_ptr<endpoint_exchange> to_; ///< Null once it is closed.
  std::string pending_;
};

/// Long polling: each response has what there is by then.
class poll_link final : public hub_link {
public:
  explicit poll_link(hub_session& owner) : owner_{owner} {
    // nop
  }

  /// A poll has come. One that still waits is ended with 204. The session's
  /// first is answered at once: it tells the client that the connection stands.
  void take(std::shared_ptr<endpoint_exchange> poll);

  transport_kind kind() const noexcept override {
    return transport_kind::polling;
  }
  bool has_room() const noexcept override;
  void send(const frame_ptr& x) override;
  void flush() override;
  void wake() override;
  void tick(std::chrono::steady_clock::time_point now) override;
  void close(close_code code, std::string_view reason) override;

private:
  void answer(http_reply x);

  hub_session& owner_;
  std::shared_ptr<endpoint_exchange> poll_; ///< Null: none waits.
  std::chrono::steady_clock::time_point since_;
  std::string pending_;
  bool begun_ = false;
  bool closing_ = false;
};

} // namespace callboard::signalr
