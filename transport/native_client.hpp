#pragma once

#include "actors/model/json.hpp"
#include "actors/model/shared_bytes.hpp"
#include "transport/hub.hpp"
#include "transport/socket_client.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callboard {

/// What `/ws?…` asks for.
struct connect_options {
  std::optional<project_id> project; ///< Subscribe at once.
  std::optional<event_seq> since;
  std::vector<std::string> types;
  bool batching = false;
};

/// One client of the native vocabulary (contract 1): turns its frames into
/// calls of the engine and of the hub's rooms, and their answers into frames.
/// Knows nothing of sockets. Everything on the hub's thread.
class native_client final : public socket_client {
public:
  native_client(hub& home, principal who, connect_options options);
  ~native_client() override;

  // socket_client
  void opened(client_channel& channel) override;
  void receive(std::string text, bool binary) override;
  void closed() override;
  void wrote() override;
  bool is_busy() const noexcept override;
  bool awaits_engine() const noexcept override;
  bool awaits_answers() const noexcept override {
    return requests_ > takes_.size(); // workers may be sent away
  }
  /// Warns 30 seconds before the token expires, closes when it has.
  void check_time(std::chrono::steady_clock::time_point now) override;
  void announce_end(std::chrono::milliseconds reconnect_in) override;
  const principal& who() const noexcept override {
    return who_;
  }
  std::string_view vocabulary_name() const noexcept override {
    return "native";
  }

  bool reaches(const project_id& project) const override;
  void subscribed(const subscription& x, event_seq head,
                  std::uint64_t epoch) override;
  void lagged(const subscription& x, event_seq from) override;
  void resync(const subscription& x, event_seq oldest) override;
  void wake() override;

private:
  /// One message of the client, parsed; `source` keeps its text alive.
  struct frame {
    shared_bytes source;
    json::value root;
    std::string_view ref; ///< Raw JSON; empty: none.
  };

  using operation = result<void> (native_client::*)(const frame&);
  struct operation_entry;
  static const operation_entry operations[];

  /// Queues a reply or notice.
  void send(std::string text);
  result<void> handle(const frame& x);
  result<void> on_subscribe(const frame& x);
  result<void> on_unsubscribe(const frame& x);
  result<void> on_publish(const frame& x);
  result<void> on_command(const frame& x);
  result<void> on_auth(const frame& x);
  result<void> on_ping(const frame& x);
  result<void> on_presence(const frame& x);
  result<void> on_take(const frame& x);
  result<void> on_heartbeat(const frame& x);
  result<void> on_release(const frame& x);
  result<void> ask_lease(const frame& x, lease_request::what op);
  result<std::optional<lease_claim>> claim_of(const frame& x) const;
  void stop_taking();

  /// A worker's request for a run that is not answered yet.
  struct waiting_take {
    std::uint64_t number = 0;
    reply_address to;
    room_key room;
  };

  /// A subscription before its project is known.
  struct wanted {
    std::string name;
    std::optional<run_id> run;
    std::vector<std::string> types;
    std::optional<event_seq> since;
    std::string ref;
  };

  void find_home(wanted x);
  result<void> subscribe(wanted x, const project_id& project);
  void subscribe_tenant(wanted x);
  result<void> check_room_left(std::string_view name) const;
  result<project_id> project_of(const frame& x) const;
  result<void> check_reach(const project_id& project) const;
  void leave_what_is_forbidden();

  /// Has `call(address)` ask the engine; `then(answer)` gets the answer unless
  /// the connection is gone by then.
  template <class Call, class Then>
  void ask(std::size_t bytes, Call call, Then then) {
    ++requests_;
    request_bytes_ += bytes;
    auto handler = [this, bytes, alive = channel_->lifetime(),
                    then = std::move(then)](answer x) {
      auto kept = alive.lock();
      if (!kept)
        return;
      --requests_;
      request_bytes_ -= bytes;
      then(std::move(x));
      wake(); // reading may go on, even if nothing was said
    };
    call(home_.expect(channel_->id(), std::move(handler)));
  }

  hub& home_;
  client_channel* channel_ = nullptr; ///< Null before it is opened.
  principal who_;
  std::unique_ptr<connect_options> options_; ///< Until it is opened.
  bool warned_ = false; ///< `expiring` was sent for this token.
  std::size_t requests_ = 0;
  std::size_t request_bytes_ = 0;
  /// Rooms whose project is being looked up, and the lookup's number.
  std::vector<std::pair<std::string, std::uint64_t>> finding_;
  std::uint64_t last_lookup_ = 0;
  std::vector<waiting_take> takes_;
  std::uint64_t last_take_ = 0;
};

} // namespace callboard
