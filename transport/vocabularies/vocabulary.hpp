#pragma once

#include "actors/model/query.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace callboard {

/// Says canonical events in the words of another client protocol (contracts 2
/// to 5). Pure and without state: all that a message needs is in the event's
/// frame and in its facts, so that a message is the same live, at every replay
/// and on every node. Any thread.
class vocabulary {
public:
  /// How many there are.
  static constexpr std::size_t count = 4;

  virtual ~vocabulary() = default;

  /// As operators see it: "node-events", "phase-events", "signalr",
  /// "socketio".
  virtual std::string_view name() const noexcept = 0;

  /// Its place in caches: below `count`, each another.
  virtual std::size_t index() const noexcept = 0;

  /// Appends the messages that say `x`, in their order: JSON texts. None: this
  /// vocabulary has no words for it.
  virtual void say(const posted_event& x,
                   std::vector<std::string>& out) const = 0;
};

/// Contract 2: whole messages.
const vocabulary& node_events() noexcept;

/// Contract 3: whole Invocation messages of the hub protocol, without record
/// separators.
const vocabulary& hub_events() noexcept;

/// Contract 4: the arguments of `emit`: `["execution:started",{…}]`.
const vocabulary& monitor_events() noexcept;

/// Contract 5: whole messages.
const vocabulary& phase_events() noexcept;

/// What the facts number a run's phase events with (contract 5); 0: `x` is
/// none.
std::uint64_t phase_seq(const posted_event& x);

} // namespace callboard
