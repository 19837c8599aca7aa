#pragma once

#include "actors/engine.hpp"
#include "transport/edge_metrics.hpp"
#include "transport/recent_batches.hpp"
#include "transport/viewer.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace callboard {

class vocabulary;

/// Which of a room's events a subscription is about.
struct room_view {
  std::string name; ///< "project:p", "execution:r", "tenant:t"
  std::optional<run_id> run;
  std::vector<std::string> types;     ///< Patterns; empty: all.
  const vocabulary* speaks = nullptr; ///< In whose words; nullptr: natively.

  bool matches(const posted_event& x) const noexcept;

  friend bool operator==(const room_view&, const room_view&) = default;
};

/// The subscriptions of one room that want the same, so that what they get is
/// found out once for all of them. The live ones come first.
struct viewer_group : room_view {
  std::vector<subscription*> members;
  std::size_t live = 0;
};

/// An event and its frame, made once per hub.
struct framed_event {
  const posted_event* event = nullptr;
  frame_ptr frame;
};

/// One room on one hub: how far it has come, its last batches, and who looks.
/// Fans batches out; viewer_rooms decides who is live.
class viewer_room {
public:
  viewer_room(room_key key, translation_counters& translations);
  ~viewer_room();

  void add(subscription& x, const room_view& view);
  void remove(subscription& x);
  void go_live(subscription& x);
  void fall_behind(subscription& x);

  bool has_subscriptions() const noexcept {
    return !groups_.empty();
  }

  /// All subscriptions, for rare occasions; the copy stays good while they
  /// change places.
  std::vector<subscription*> subscriptions() const;

  /// Pushes a batch to all live subscriptions, each beginning behind its
  /// cursor. Appends the viewers whose queues are over the limit then to
  /// `overflowed`.
  void fan_out(const room_batch& batch, std::vector<viewer*>& overflowed);

  const room_key key;
  event_seq head;          ///< Of what this hub has heard.
  event_seq oldest;        ///< As the room said when it was joined.
  std::uint64_t epoch = 0; ///< Likewise.
  recent_batches recent;

  /// unknown: nobody asked to join; joining: asked; joined: answered.
  enum class membership : std::uint8_t { unknown, joining, joined };
  membership joined = membership::unknown;
  bool head_known = false;
  bool asking_streams = false;
  std::uint64_t join_token = 0;    ///< 0: no answer is expected.
  std::uint64_t streams_token = 0; ///< Of the last question.
  std::uint64_t watchers_seen = 0; ///< See viewer_rooms: tenant's version.
  std::chrono::steady_clock::time_point join_asked;
  std::chrono::steady_clock::time_point streams_asked;
  std::chrono::milliseconds rejoin_delay{0};
  std::optional<std::chrono::steady_clock::time_point> empty_since;

private:
  void fan_out(viewer_group& group, std::vector<framed_event>& events,
               const room_batch& batch, std::vector<viewer*>& overflowed);

  translation_counters& translations_;
  std::vector<std::unique_ptr<viewer_group>> groups_;
  std::vector<framed_event> scratch_;
};

/// Queues events of one subscription: one frame each, or for batching viewers
/// `{"type":"events","room":…,"events":[…]}` frames of about 64 KiB.
void push_events(subscription& to, const std::vector<framed_event>& events);

} // namespace callboard
