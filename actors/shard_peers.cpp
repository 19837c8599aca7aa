#include "actors/shard_actor.hpp"

// What other nodes mean for a shard: their messages, their coming and going.

namespace callboard {

void shard_state::handle(const peer_came&) {
}

void shard_state::handle(const peer_went&) {
}

void shard_state::handle(peer_message&) {
}

void shard_state::handle(map_changed) {
}

} // namespace callboard
