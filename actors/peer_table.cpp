#include "actors/peer_table.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

namespace callboard {

namespace {

/// A node repeats each second that its disk is full.
constexpr std::uint64_t notice_life_ms = 5000;

node_number number_in(const cluster_map& map, const peer_identity& who) {
  auto at = std::ranges::find(map.nodes, who.disk, &cluster_node::disk);
  return at == map.nodes.end() ? node_number{} : at->number;
}

} // namespace

void peer_table::use(std::shared_ptr<peer_network> network) {
  network_ = std::move(network);
}

node_number peer_table::up(peer_session session, const peer_identity& who,
                           const cluster_map& map) {
  std::unique_lock lock{mutex_};
  auto number = number_in(map, who);
  // A newer session of a node takes the place of an older one.
  std::erase_if(peers_, [&](const peer& x) { return x.who.disk == who.disk; });
  peers_.push_back({session, who, number, 0, 0});
  return number;
}

node_number peer_table::down(peer_session session) {
  std::unique_lock lock{mutex_};
  auto at = std::ranges::find(peers_, session, &peer::session);
  if (at == peers_.end())
    return {};
  auto number = at->number;
  peers_.erase(at);
  return number;
}

std::vector<std::pair<peer_session, node_number>>
peer_table::rebind(const cluster_map& map) {
  std::unique_lock lock{mutex_};
  std::vector<std::pair<peer_session, node_number>> fresh;
  for (auto& x : peers_) {
    auto number = number_in(map, x.who);
    if (x.number != number && number != node_number{})
      fresh.emplace_back(x.session, number);
    x.number = number;
  }
  return fresh;
}

node_number peer_table::number_of(peer_session session) const {
  std::shared_lock lock{mutex_};
  auto at = std::ranges::find(peers_, session, &peer::session);
  return at == peers_.end() ? node_number{} : at->number;
}

peer_session peer_table::session_of(node_number node) const {
  if (node == node_number{})
    return {};
  std::shared_lock lock{mutex_};
  auto at = std::ranges::find(peers_, node, &peer::number);
  return at == peers_.end() ? peer_session{} : at->session;
}

bool peer_table::send(node_number to, peer_lane lane,
                      shared_bytes frame) const {
  auto session = session_of(to);
  return session != peer_session{}
         && network_->send(session, lane, std::move(frame));
}

void peer_table::send_all(peer_lane lane, const shared_bytes& frame) const {
  std::shared_lock lock{mutex_};
  for (auto& x : peers_)
    if (x.number != node_number{})
      network_->send(x.session, lane, frame);
}

void peer_table::note_no_space(node_number node, std::uint8_t why,
                               std::uint64_t now_ms) {
  std::unique_lock lock{mutex_};
  auto at = std::ranges::find(peers_, node, &peer::number);
  if (at == peers_.end())
    return;
  at->no_space = why;
  at->noted_ms = now_ms;
}

std::uint8_t peer_table::no_space_of(node_number node,
                                     std::uint64_t now_ms) const {
  std::shared_lock lock{mutex_};
  auto at = std::ranges::find(peers_, node, &peer::number);
  return at != peers_.end() && now_ms - at->noted_ms < notice_life_ms
           ? at->no_space
           : 0;
}

void peer_table::reset(node_number node) const {
  auto session = session_of(node);
  if (session != peer_session{})
    network_->reset(session);
}

} // namespace callboard
