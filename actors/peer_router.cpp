#include "actors/peer_router.hpp"

#include "actors/actor_pool.hpp"
#include "actors/remote_frame.hpp"

#include <caf/send.hpp>
#include <spdlog/spdlog.h>

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace callboard {

namespace {

/// The shard that a message is for; nothing: for the cluster actor or the edge.
std::optional<shard_id> shard_of(const node_context& node,
                                 const remote::message& x) {
  return std::visit(
    [&](const auto& y) -> std::optional<shard_id> {
      using type = std::decay_t<decltype(y)>;
      if constexpr (requires { y.shard; })
        return y.shard;
      else if constexpr (
        std::is_same_v<
          type,
          remote::
            join_room> || std::is_same_v<type, remote::leave_room> || std::is_same_v<type, remote::ask_streams>)
        return node.shard_of(y.room);
      else
        return std::nullopt;
    },
    x);
}

} // namespace

void peer_router::peer_up(peer_session session, const peer_identity& who) {
  auto number = node_.peers.up(session, who, *node_.map());
  announce(session, number, who);
  caf::anon_send(node_.cluster, peer_came{session, who, number});
}

void peer_router::announce(peer_session session, node_number number,
                           const peer_identity& who) {
  if (number == node_number{})
    return;
  for (auto& shard : node_.shards)
    caf::anon_send(shard, peer_came{session, who, number});
}

void peer_router::peer_down(peer_session session) {
  auto number = node_.peers.down(session);
  if (number != node_number{})
    for (auto& shard : node_.shards)
      caf::anon_send(shard, peer_went{session, number});
  caf::anon_send(node_.cluster, peer_went{session, number});
}

void peer_router::map_changed() {
  for (auto& [session, number] : node_.peers.rebind(*node_.map()))
    announce(session, number, {});
}

void peer_router::peer_frame(peer_session session, peer_lane,
                             std::string frame) {
  auto decoded = remote::decode(frame);
  if (!decoded) {
    garbage_.fetch_add(1, std::memory_order_relaxed);
    spdlog::warn("a frame of another node is dropped: {}",
                 decoded.error().detail);
    return;
  }
  caller_runs here{node_.cluster->home_system()};
  deliver(session, node_.peers.number_of(session), std::move(*decoded));
}

void peer_router::deliver(peer_session session, node_number from,
                          remote::message x) {
  auto shard = shard_of(node_, x);
  auto is_member = from != node_number{};
  if (is_member) {
    if (auto events = std::get_if<remote::room_events>(&x))
      return caf::anon_send(node_.edge,
                            room_events_out{std::move(events->batch)});
    if (auto joined = std::get_if<remote::room_joined_by>(&x))
      return caf::anon_send(node_.edge,
                            joined_out{joined->hub, std::move(joined->answer)});
    if (auto streams = std::get_if<remote::streams>(&x))
      return caf::anon_send(
        node_.edge, streams_out{streams->hub, std::move(streams->answer)});
    if (auto gone = std::get_if<remote::room_gone>(&x))
      return caf::anon_send(node_.edge, room_lost_out{std::move(gone->room)});
    if (auto disk = std::get_if<remote::disk_notice>(&x))
      return node_.peers.note_no_space(from, disk->no_space, steady_ms());
  }
  // Who leads a shard, and with whom, concerns the cluster's map, too.
  if (auto notice = std::get_if<remote::leader_notice>(&x);
      notice && notice->shard != directory_shard)
    caf::anon_send(
      node_.cluster,
      peer_message{session, from, std::make_shared<remote::message>(*notice)});
  peer_message message{session, from,
                       std::make_shared<remote::message>(std::move(x))};
  if (!shard || *shard == directory_shard)
    return caf::anon_send(node_.cluster, std::move(message));
  if (is_member && shard->value < node_.shards.size())
    caf::anon_send(node_.shards[shard->value], std::move(message));
}

} // namespace callboard
