#include "actors/edge_notice.hpp"

#include "actors/remote_frame.hpp"

#include <caf/send.hpp>

#include <utility>

namespace callboard {

namespace {

shared_bytes frame_of(const room_events_out& x) {
  return remote::encoded(*x.batch);
}

shared_bytes frame_of(joined_out& x) {
  return frame(remote::room_joined_by{x.hub, std::move(x.answer)});
}

shared_bytes frame_of(streams_out& x) {
  return frame(remote::streams{x.hub, std::move(x.answer)});
}

shared_bytes frame_of(room_lost_out& x) {
  return frame(remote::room_gone{std::move(x.room)});
}

template <class Notice>
void tell(const node_context& node, node_number to, Notice x) {
  if (to == node_number{})
    return caf::anon_send(node.edge, std::move(x));
  auto session = node.peers.session_of(to);
  if (session != peer_session{}
      && !node.peers.network()->send(session, peer_lane::normal, frame_of(x)))
    node.peers.network()->reset(session);
}

} // namespace

void tell_edge(const node_context& node, node_number to, room_events_out x) {
  tell(node, to, std::move(x));
}

void tell_edge(const node_context& node, node_number to, joined_out x) {
  tell(node, to, std::move(x));
}

void tell_edge(const node_context& node, node_number to, streams_out x) {
  tell(node, to, std::move(x));
}

void tell_edge(const node_context& node, node_number to, room_lost_out x) {
  tell(node, to, std::move(x));
}

} // namespace callboard
