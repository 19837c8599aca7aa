#pragma once

#include "actors/engine.hpp"
#include "storage/raft/effects.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace callboard::sim {

/// What everybody says, held against each other: what contradicts something
/// that was said before is a broken promise of DESIGN.md.
///
/// 1 durable: acknowledged() against history(). 2 one order: saw() by every
/// viewer and every node, history(), committed() on every replica. 3 exactly
/// what you missed: viewers themselves (traffic), who say broken(). 4 applied
/// once: acknowledged() again, history(). 5 one owner: leads(), committed().
class witness {
public:
  /// Rooms may forget what came before their last so many events; ~0: nothing.
  void keeps(std::uint64_t events) noexcept {
    kept_ = events;
  }

  /// The event at a place of a room, as somebody saw it.
  void saw(const room_key& room, event_seq seq, const std::string& frame,
           const std::string& who);
  /// A producer was told that its event is durable there. False: again.
  bool acknowledged(const room_key& room, const std::string& id, event_seq seq);
  /// A room's whole history, read at the end.
  void history(const room_key& room, const std::vector<posted_event>& events);

  /// A node says that it leads the shard's group in that term: nobody else may.
  void leads(shard_id shard, raft_term term, std::uint64_t node);
  /// Who said so in the latest term. 0: nobody yet.
  std::uint64_t leader(shard_id shard) const;
  /// A node applies an entry: every node applies the same there, for ever, and
  /// what a deposed leader decided comes before all of its successors.
  void committed(shard_id shard, const log_entry& entry, std::size_t node);

  void broken(std::string what);

  const std::vector<std::string>& broken_promises() const noexcept {
    return broken_;
  }

private:
  struct decided {
    raft_term term;
    std::size_t content; ///< A hash.
  };

  std::map<std::pair<room_key, event_seq>, std::string> frames_;
  std::map<std::pair<room_key, std::string>, event_seq> acknowledged_;
  std::map<std::pair<shard_id, raft_term>, std::uint64_t> leaders_;
  std::map<shard_id, std::map<log_index, decided>> committed_;
  std::uint64_t kept_ = ~std::uint64_t{0};
  std::vector<std::string> broken_;
};

} // namespace callboard::sim
