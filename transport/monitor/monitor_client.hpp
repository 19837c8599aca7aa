#pragma once

#include "actors/model/ids.hpp"
#include "actors/model/query.hpp"
#include "transport/monitor/recovery_point.hpp"
#include "transport/principal.hpp"
#include "transport/socketio/socketio_client.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callboard {

/// A client of contract 4: namespace `/workflows`, rooms of executions and of
/// the tenant, and connection state recovery by offsets (recovery_point). On
/// one hub's thread.
///
/// Every room of an execution is a subscription of its own. While the tenant's
/// view is on, its events come through that, and those of the executions'
/// subscriptions are left out: each event comes once.
class monitor_client final : public socket_io::client,
                             private socket_io::handlers {
public:
  static constexpr std::string_view nsp = "/workflows";

  monitor_client(hub& home, engine_io::client_opening x,
                 const socket_io::connection_settings& conf);

  // engine_io::client
  bool admits(const std::string& token) override;
  const principal& who() const noexcept override {
    return who_;
  }
  std::string_view vocabulary_name() const noexcept override {
    return "socketio";
  }
  bool awaits_engine() const noexcept override;

  // viewer
  bool reaches(const project_id& project) const override;
  void subscribed(const subscription& x, event_seq head,
                  std::uint64_t epoch) override;
  void lagged(const subscription& x, event_seq from) override;
  void resync(const subscription& x, event_seq oldest) override;
  frame_ptr own_frame(const subscription& x, event_seq seq,
                      const frame_ptr& shared) override;

private:
  using ack_id = std::optional<std::uint64_t>;

  struct watched_run {
    project_id project;
    std::uint64_t lookup = 0; ///< Of the question where it lives.
    bool ready = false;       ///< Its subscription has begun.
    std::vector<ack_id> waiting = {};
  };

  enum class tenant_view : std::uint8_t { off, preparing, starting, on };

  // socket_io::handlers
  bool serves(std::string_view name) const override;
  void connecting(socket_io::connection& from, const std::string& name,
                  std::string auth) override;
  void on_event(socket_io::connection& from, const std::string& name,
                socket_io::event x) override;
  void disconnected(socket_io::connection& from,
                    const std::string& name) override;

  // engine_io::client
  void ended() override;
  void on_second() override;

  // Who it is (monitor_client.cpp).
  result<principal> authenticate(const std::string& token);
  void greet();
  void acknowledge(const ack_id& to, std::string_view error = {});
  void acknowledge_all(std::vector<ack_id> all, std::string_view error = {});

  // Rooms (monitor_rooms.cpp).
  std::string subscribe_run(const std::vector<std::string>& args, ack_id ack);
  std::string unsubscribe_run(const std::vector<std::string>& args, ack_id ack);
  std::string subscribe_tenant(ack_id ack);
  std::string unsubscribe_tenant(ack_id ack);
  std::string check_room_left() const;
  void find_home(const run_id& run);
  void found_home(const run_id& run, std::uint64_t lookup, answer got);
  void watch(const run_id& run, const project_id& project,
             std::optional<event_seq> since);
  void prepare_tenant();
  void list_heads(answer got);
  void take_head(const project_id& project, answer got);
  void tenant_started();
  void start_tenant();
  void watch_tenant(std::vector<std::pair<project_id, event_seq>> starts);
  void leave_rooms();

  // Recovery (monitor_recovery.cpp).
  void recover(const std::string& pid, const std::string& offset);
  void check_places();
  void check_place(std::size_t index, answer got);
  void check_new_projects(answer got);
  void place_checked();
  void restore();
  void begin_anew();
  recovery_point point_now() const;
  event_seq position_of(const run_id& run, const watched_run& x) const;
  std::string offset();
  void tell_offset();

  /// Has `call(address)` ask the engine; `then(answer)` gets the answer unless
  /// the session, or this membership of the namespace, has ended by then.
  template <class Call, class Then>
  void ask(Call call, Then then);
  template <class Then>
  void ask_history(history_request x, Then then);
  template <class Then>
  void ask_projects(Then then);

  principal who_;
  std::string handshake_token_;
  std::optional<principal> owner_; ///< To whom the session belongs.
  std::uint64_t membership_ = 0;   ///< Counts its times in the namespace.
  bool joined_ = false;
  std::size_t asked_ = 0; ///< Questions that the engine has not answered.

  std::map<run_id, watched_run> runs_;
  std::uint64_t last_lookup_ = 0;
  tenant_view tenant_ = tenant_view::off;
  std::vector<ack_id> tenant_waiting_;
  std::uint64_t tenant_lookup_ = 0; ///< Counts the times that it is prepared.
  std::size_t heads_awaited_ = 0;
  std::map<project_id, event_seq> heads_; ///< Before the tenant's view began.
  /// What has come by the tenant's view, by project.
  std::map<project_id, event_seq> positions_;
  bool too_many_projects_ = false; ///< For an offset.

  std::string pid_;
  std::optional<recovery_point> wanted_; ///< While that is looked into.
  std::size_t checks_awaited_ = 0;
  bool cannot_recover_ = false;
  std::int64_t offset_ms_ = 0; ///< When the client got its last offset.
};

} // namespace callboard
