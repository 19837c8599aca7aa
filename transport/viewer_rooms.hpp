#pragma once

#include "actors/engine.hpp"
#include "transport/viewer.hpp"
#include "transport/viewer_room.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace callboard {

struct edge_metrics;

/// The rooms that the viewers of one hub look at: joins them at the engine once
/// per hub, and joins history to live for each viewer, without gap or repeat.
///
/// How: every subscription has a cursor. A room's batches are contiguous and
/// reach live subscriptions only, whose cursor is the room's head. A
/// subscription behind the head reads history, one chunk at a time and only
/// while its viewer's queue is low, until its cursor is at the head or within
/// the room's recent batches; then it turns live in that same step of the hub's
/// single thread, so nothing can come in between. Whatever goes wrong (a full
/// queue, a batch missing, the room's owner lost) has one answer: the
/// subscription falls behind, with its cursor at what the viewer really has.
///
/// Everything on the hub's thread; knows neither sockets nor wire formats.
class viewer_rooms {
public:
  using clock = std::chrono::steady_clock;

  /// History reads of this class carry session number 0.
  viewer_rooms(hub_id hub, engine& target, edge_metrics& metrics);
  ~viewer_rooms();

  struct request {
    room_view view;
    room_key room;
    std::optional<event_seq> since; ///< Absent: live only.
    std::string ref;                ///< Kept for viewer::subscribed().
    bool whole_tenant = false;      ///< Also live events of its projects.
    /// With whole_tenant: projects that it is carried on in from there; of the
    /// others it gets what comes.
    std::vector<std::pair<project_id, event_seq>> starts = {};
  };

  /// Takes the place of the viewer's subscription of the same name.
  void subscribe(viewer& who, request x);

  /// False if there is no such subscription.
  bool unsubscribe(viewer& who, std::string_view name);

  /// The viewer's token reaches less than before: its subscriptions to a tenant
  /// no longer show those projects.
  void drop_unreached(viewer& who);

  /// The viewer ends.
  void forget(viewer& who);

  /// The viewer's queue has become low: goes on from history.
  void drained(viewer& who);

  void handle(room_signal x);
  void history(answer x);

  /// A few times a second: joins again, tries reads again, leaves empty rooms.
  void tick(clock::time_point now);

private:
  struct tenant_watch {
    std::vector<subscription*> watchers;
    std::uint64_t version = 1; ///< Changes when a watcher comes.
  };

  viewer_room& room_of(const room_key& key);
  void join(viewer_room& room);
  void begin(subscription& x);
  void start(subscription& x);
  void answer_started(subscription& x);
  void skip_to_head(subscription& x, event_seq oldest);
  void turn_live(subscription& x);
  void ask_streams(viewer_room& room);
  void lag(subscription& x);
  void shed(viewer& who);
  void remove(viewer& who, subscription& x);
  void watch(subscription& x);
  void unwatch(subscription& x);
  void add_children(viewer_room& room, event_seq from);
  void add_child(subscription& parent, const project_id& project,
                 event_seq since);

  void go_on(viewer& who);
  bool settle(subscription& x);
  void read(viewer& who, subscription& x);
  void take(subscription& x, const history_chunk& chunk);
  void retry_later(viewer& who);

  void handle(const std::shared_ptr<const room_batch>& x);
  void handle(const room_joined& x);
  void handle(const stream_snapshots& x);
  void handle(const room_lost& x);
  void advance(viewer_room& room, event_seq head);

  hub_id hub_;
  engine& engine_;
  edge_metrics& metrics_;
  std::unordered_map<room_key, std::unique_ptr<viewer_room>> rooms_;
  std::unordered_map<tenant_id, tenant_watch> watched_;
  std::unordered_map<std::uint64_t, viewer*> reads_;
  std::unordered_map<viewer*, clock::time_point> retries_;
  std::uint64_t last_number_ = 0;
  clock::time_point now_ = clock::now();
};

/// The pause before the next try, after one of `x`: 0.1 to 5 seconds.
inline std::chrono::milliseconds longer_delay(std::chrono::milliseconds x) {
  using std::chrono::milliseconds;
  return std::clamp(2 * x, milliseconds{100}, milliseconds{5'000});
}

} // namespace callboard
