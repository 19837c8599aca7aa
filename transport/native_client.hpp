#pragma once

#include "actors/model/json.hpp"
#include "actors/model/shared_bytes.hpp"
#include "transport/asking_client.hpp"
#include "transport/hub.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
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
  bool node_events = true; ///< False: `vocabulary=native`.
};

/// One client of the native vocabulary (contract 1): turns its frames into
/// calls of the engine and of the hub's rooms, and their answers into frames.
/// Knows nothing of sockets. Everything on the hub's thread.
class native_client final : public asking_client {
public:
  native_client(hub& home, principal who, connect_options options);
  ~native_client() override;

  // socket_client
  void opened(client_channel& channel) override;
  void receive(std::string text, bool binary) override;
  void closed() override;
  bool awaits_answers() const noexcept override {
    return requests_ > takes_.size(); // workers may be sent away
  }
  void announce_end(std::chrono::milliseconds reconnect_in) override;
  std::string_view vocabulary_name() const noexcept override {
    return "native";
  }
  void wrote() override;
  void describe(session::description& x) const override;

  void subscribed(const subscription& x, event_seq head,
                  std::uint64_t epoch) override;
  void lagged(const subscription& x, event_seq from) override;
  void resync(const subscription& x, event_seq oldest) override;

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

  void warn_of_expiry(std::chrono::seconds left) override;
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

  // Contract 2 on the same connection (node_client.cpp).
  bool is_of_nodes(const frame& x, std::string_view type) const;
  result<void> handle_of_nodes(const frame& x, std::string_view type);
  result<void> subscribe_nodes(const frame& x, const run_id& run);
  result<void> unsubscribe_nodes(const frame& x, const run_id& run);
  result<void> answer_node(const frame& x, const run_id& run);
  result<void> replay_nodes(const frame& x, const run_id& run);
  void show_documents();
  void subscribed_to_nodes(const subscription& x);
  void resync_nodes(const subscription& x);
  std::string nodes_unsubscribed(const subscription& x) const;
  void nodes_error(const problem& why, const run_id& run,
                   std::string_view node);
  void read_replay();
  void take_replay(const history_chunk& chunk);
  void end_replay();

  /// A replay under way, or waiting for its turn.
  struct replay {
    room_key room;
    run_id run;
    std::int64_t since_ms = 0;
    event_seq after;
    std::uint64_t count = 0;
    bool reading = false;
  };

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
  std::uint64_t begin_finding(const std::string& name);
  bool end_finding(std::uint64_t number); ///< False: given up meanwhile.
  result<void> subscribe(wanted x, const project_id& project);
  void subscribe_tenant(wanted x);
  result<void> check_room_left(std::string_view name) const;
  result<project_id> project_of(const frame& x) const;
  result<void> check_reach(const project_id& project) const;
  void leave_what_is_forbidden();

  std::unique_ptr<connect_options> options_; ///< Until it is opened.
  /// Rooms whose project is being looked up, and the lookup's number.
  std::vector<std::pair<std::string, std::uint64_t>> finding_;
  std::uint64_t last_lookup_ = 0;
  std::vector<waiting_take> takes_;
  std::deque<replay> replays_; ///< The first one is under way.
  std::string acknowledged_;   ///< The event that the client named last.
  bool shows_documents_ = false;
  std::uint64_t last_take_ = 0;
};

} // namespace callboard
