#pragma once

#include "storage/raft/effects.hpp"

#include <cstdint>
#include <map>
#include <optional>

namespace callboard {

/// The leader's memory of who is being brought the state. The library asks for
/// that again with every refused heartbeat; a stream takes longer.
///
/// A follower is first made a mere offer: it may have all that it needs without
/// the leader knowing, and then says how far its log is committed. When the
/// library asks a second time, that did not help.
class state_offers {
public:
  enum class step : std::uint8_t { offer, stream, wait };

  /// The library wants `to` to have the state.
  step wanted(node_number to);

  /// Begins a stream, in the leadership of `term`.
  stream_id begin(node_number to, raft_term term);

  /// To whom `stream` is under way; nullopt: to nobody any more.
  std::optional<node_number> receiver(stream_id stream) const;

  /// Notes what `stream` brings.
  void pin(stream_id stream, log_index applied);

  void end(stream_id stream);
  void clear();

  /// The log behind this is what the receivers need next; nullopt: no stream.
  std::optional<log_index> lowest_pin() const;

private:
  struct receiver_state {
    stream_id stream; ///< 0: was made an offer.
    std::optional<log_index> pinned;
  };

  std::map<node_number, receiver_state> receivers_;
  std::uint64_t streams_ = 0;
};

} // namespace callboard
