#pragma once

#include "tests/unit/cluster_sim/simulated_cluster.hpp"
#include "tests/unit/cluster_sim/witness.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace callboard::sim {

publish_item draft_of(const std::string& text, const project_id& project);

/// Producers that send each event until they are told that it is durable, and
/// viewers that follow rooms as a hub does: history up to where the room said
/// it is, then live. All of them go to another node when theirs fails them.
class traffic {
public:
  traffic(simulated_cluster& cluster, witness& seen, std::size_t producers,
          std::size_t viewers, std::size_t events_each);

  /// Does what is due. Often.
  void tick();

  /// Every event is acknowledged, and every viewer has all of its room.
  bool done() const;
  std::string unfinished() const;

  using history_reader
    = std::function<void(const room_key&, const std::vector<posted_event>&)>;
  /// Reads every room from the beginning at every node.
  /// False: a node did not answer in time.
  bool read_all(const history_reader& read);

  using reply = std::function<void(answer)>;
  /// Where the answer to a request goes, from whichever node.
  reply_address expect(reply what);

  /// By chance; one that serves, if there are some.
  std::size_t some_node();

  std::uint64_t acknowledged() const noexcept {
    return acknowledged_;
  }
  std::uint64_t delivered() const noexcept {
    return delivered_;
  }
  /// How often a viewer was too late for what a room had forgotten.
  std::uint64_t skipped() const noexcept {
    return skipped_;
  }
  std::uint64_t sent_again() const noexcept {
    return sent_again_;
  }

private:
  struct producer {
    std::string name;
    room_key room;
    std::string run; ///< Empty: custom events.
    std::size_t next = 0;
    std::size_t node = 0;
    /// Under way or to be sent (again).
    std::vector<std::string> ids;
    std::vector<std::string> known; ///< Acknowledged.
    std::uint64_t request = 0;
    std::int64_t until_ms = 0;
    std::int64_t not_before_ms = 0;
    bool repeated = false;
  };

  struct viewer {
    std::string name;
    room_key room;
    std::size_t node = 0;
    hub_id hub;
    bool joined = false;
    std::uint64_t token = 0;
    std::int64_t join_again_ms = 0;
    event_seq cursor;
    event_seq cursor_then; ///< When it asked to join last.
    event_seq told;        ///< The room's last number as far as the hub knows.
    std::uint64_t reading = 0;
    std::int64_t reading_until_ms = 0;

    bool live() const noexcept {
      return joined && cursor >= told;
    }
  };

  void tick(producer& x);
  void send(producer& x);
  void answered(producer& x, answer got);
  void tick(viewer& x);
  void move_on(viewer& x);
  void read(viewer& x);
  void skip(viewer& x, const history_chunk& chunk);
  void took(viewer& x, const posted_event& event);
  void hear(std::size_t node, answer x);
  void hear(std::size_t node, hub_id hub, room_signal x);
  void hear(viewer& x, const room_batch& batch);

  simulated_cluster& cluster_;
  witness& seen_;
  std::size_t events_each_;
  std::vector<producer> producers_;
  std::vector<viewer> viewers_;
  std::unordered_map<std::uint64_t, reply> waiting_;
  std::uint64_t requests_ = 0;
  std::uint64_t acknowledged_ = 0, delivered_ = 0, sent_again_ = 0,
                skipped_ = 0;
  std::map<room_key, event_seq> heads_;      // of what was acknowledged
  std::map<room_key, event_seq> seen_heads_; // of what any viewer has
};

} // namespace callboard::sim
