#pragma once

#include <cstddef>
#include <string>

/// What actors of every kind understand.
namespace callboard {

/// Sent by an actor to itself: do what has piled up since.
struct flush_now {};

/// Sent by an actor to itself after a while.
struct tick {};

/// Asks for an end in good order; answered when nothing is left to do.
struct drain_now {};

/// No slot is under way.
struct drained {
  bool everything = false;
};

/// Asks a live actor for what operators see.
struct describe {};

struct description {
  std::string state; ///< The actor's own: a JSON object.
  std::size_t mailbox = 0;
  std::size_t memory_bytes = 0;
  /// False: it lives only because somebody asked for it.
  bool exists = true;
};

} // namespace callboard
