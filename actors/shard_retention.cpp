#include "actors/shard_actor.hpp"

#include <algorithm>
#include <utility>

// Old events of active rooms go: those beyond storage.retain_events, and those
// older than storage.retain_age. A trim is an entry of the log like any other,
// so that every replica forgets the same.

namespace callboard {

namespace {

/// How often a room is searched for expired events, unless they expire sooner.
constexpr std::uint64_t expiry_interval_ms = 60'000;

/// What one search reads at most; the rest waits for the next one.
constexpr std::size_t chunk_bytes = 256u << 10;
constexpr int chunks_per_search = 16;

/// The event's `ts`. nullopt: not a frame of ours.
std::optional<std::int64_t> time_of(const posted_event& event) {
  constexpr std::string_view mark = "\",\"ts\":\"";
  std::string_view frame = *event.frame;
  auto at = frame.find(mark);
  if (at == std::string_view::npos)
    return std::nullopt;
  frame.remove_prefix(at + mark.size());
  return parse_iso8601(frame.substr(0, frame.find('"')));
}

/// The last of the room's first events that are older than `cutoff_ms`.
event_seq last_expired(const state_store& state, shard_id shard,
                       const room_key& room, event_seq oldest,
                       std::int64_t cutoff_ms) {
  event_seq upto;
  event_seq after{std::max(oldest.value, std::uint64_t{1}) - 1};
  for (int i = 0; i < chunks_per_search; ++i) {
    auto chunk = state.history(shard, {room, after, {}, {}, chunk_bytes});
    if (!chunk)
      return upto;
    for (auto& event : chunk->events) {
      auto time = time_of(event);
      if (!time || *time >= cutoff_ms)
        return upto;
      upto = event.seq;
    }
    if (chunk->events.empty() || chunk->through >= chunk->head)
      return upto;
    after = chunk->through;
  }
  return upto;
}

} // namespace

void shard_state::trim_rooms(std::int64_t now_ms, std::uint64_t steady) {
  auto keep = node_->conf.storage.retain_events;
  auto age = node_->conf.storage.retain_age.count();
  if ((keep == 0 && age == 0) || !takes_calls())
    return;
  for (auto& [key, room] : rooms_) {
    if (!room->actor)
      continue;
    // In one stroke once a tenth too many have piled up.
    auto oldest = std::max(room->oldest.value, std::uint64_t{1});
    if (keep > 0 && room->applied.value + 1 >= oldest + keep + keep / 10)
      trim(*room, {room->applied.value - keep});
    if (age > 0 && steady >= room->next_expiry_ms) {
      room->next_expiry_ms = steady
                             + std::min(expiry_interval_ms,
                                        static_cast<std::uint64_t>(age) * 1000);
      look_for_expired(*room, now_ms);
    }
  }
}

void shard_state::look_for_expired(room_entry& room, std::int64_t now_ms) {
  auto age_ms = std::int64_t{node_->conf.storage.retain_age.count()} * 1000;
  node_->read([node = node_, me = shard_actor{self_}, shard = id_,
               key = room.key, oldest = room.oldest, cutoff = now_ms - age_ms] {
    auto upto = last_expired(*node->state, shard, key, oldest, cutoff);
    if (upto != event_seq{})
      caf::anon_send(me, room_expired{key, upto});
  });
}

void shard_state::handle(const room_expired& x) {
  auto at = rooms_.find(x.room);
  if (at != rooms_.end() && at->second->actor && takes_calls())
    trim(*at->second, x.upto);
}

void shard_state::trim(room_entry& room, event_seq upto) {
  if (upto < std::max(room.oldest, event_seq{1}) || upto > room.applied)
    return;
  writer_.trim(room.key, upto);
  batch_.trims.emplace_back(&room, upto);
  room.oldest = next(upto);
  room.last_batch = next_batch_;
  want_flush();
}

} // namespace callboard
