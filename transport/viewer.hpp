#pragma once

#include "actors/model/ids.hpp"
#include "transport/outbound_queue.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace callboard {

class viewer;
class viewer_room;
struct viewer_group;

/// One viewer's look at one room. Owned by its viewer, driven by viewer_rooms.
struct subscription {
  /// starting: the room is not joined yet, nothing was answered.
  /// probing: asked to begin beyond what this hub has heard of; history knows.
  /// behind: gets history until it has reached what arrives live.
  enum class phase : std::uint8_t { starting, probing, behind, live };

  viewer* owner = nullptr;
  viewer_room* room = nullptr;
  viewer_group* group = nullptr;  ///< Those who want the same; one of room's.
  subscription* parent = nullptr; ///< The tenant's, for a project seen by it.
  std::uint32_t index = 0;        ///< Place in the group.
  phase state = phase::starting;
  bool streams_ready = false; ///< Had its snapshots: may get ephemeral events.
  std::optional<event_seq> since; ///< As asked.
  event_seq
    cursor; ///< All up to here is in the owner's queue, or did not match.
  std::string ref; ///< Raw JSON of the client, echoed in the answer; or empty.

  const std::string& name() const noexcept; ///< As the client named the room.
};

/// A session as viewer_rooms sees it: a queue to fill, and a few words to say
/// in the session's vocabulary. Everything on the hub's thread.
class viewer {
public:
  explicit viewer(std::size_t queue_limit_bytes);
  virtual ~viewer();
  viewer(const viewer&) = delete;
  viewer& operator=(const viewer&) = delete;

  /// Whether its token (still) reaches that project.
  virtual bool reaches(const project_id& project) const = 0;

  /// Answers a subscribe; what is pushed later comes after it.
  virtual void subscribed(const subscription& x, event_seq head,
                          std::uint64_t epoch)
    = 0;
  /// Queued events were dropped; they come again, beginning with `from`.
  virtual void lagged(const subscription& x, event_seq from) = 0;
  /// What it asked for is not kept: read the state, go on from the room's head.
  virtual void resync(const subscription& x, event_seq oldest) = 0;

  /// Something was pushed into `out`. Called once or more per turn.
  virtual void wake() = 0;

  /// What this viewer gets of an event of `x` instead of the frame that all
  /// others share; null: nothing. Called only if `own_frames`; `x.cursor` is
  /// still before it.
  virtual frame_ptr own_frame(const subscription& x, event_seq seq,
                              const frame_ptr& shared);

  outbound_queue out;
  bool batching = false;   ///< Wants runs of events as one frame.
  bool own_frames = false; ///< See own_frame().

  /// Without those that the tenant's rooms added by themselves.
  std::size_t subscription_count() const noexcept;
  const subscription* find(std::string_view name) const noexcept;
  std::vector<std::string> room_names() const;

  /// Whether some subscription is carried on from history.
  bool is_behind() const noexcept {
    return !behind_.empty() || reading_;
  }

protected:
  /// Queues what is true only if the events before it arrive: it is dropped
  /// with them.
  void push_with_events(const frame_ptr& x);

private:
  friend class viewer_rooms;

  std::vector<std::unique_ptr<subscription>> subscriptions_;
  std::vector<subscription*> behind_; // waiting for a history read, in turn
  // At most one history chunk is on its way to a viewer, so that many
  // subscriptions cost no more memory than one.
  bool reading_ = false;
  subscription* reader_ = nullptr; // nullptr while reading_: it ended meanwhile
  std::uint64_t read_number_ = 0;
  event_seq read_after_;
  std::chrono::milliseconds retry_delay_{0};
};

} // namespace callboard
