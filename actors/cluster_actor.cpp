#include "actors/cluster_actor.hpp"

#include "actors/remote_frame.hpp"

#include <openssl/rand.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <utility>

namespace callboard {

namespace {

std::string new_cluster_id() {
  std::array<unsigned char, 12> bytes{};
  RAND_bytes(bytes.data(), static_cast<int>(bytes.size()));
  std::string out;
  for (auto byte : bytes) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

} // namespace

void cluster_state::init(node_context& node, peer_router& router,
                         edge_sink& sink,
                         std::shared_ptr<node_identity_file> identity,
                         peer_identity me) {
  node_ = &node;
  router_ = &router;
  sink_ = &sink;
  identity_ = std::move(identity);
  me_ = std::move(me);
  started_ms_ = steady_ms();
  for (std::uint64_t i = 0; i < node.conf.engine.shards; ++i)
    if (auto present = node.log->presence({i});
        !present || *present != log_presence::never)
      has_data_ = true;
  if (auto map = node.map(); map->version != 0) {
    map_ = *map;
    directory_.emplace(node, directory_shard);
    directory_->start(self_);
  }
  dial();
}

void cluster_state::handle(tick) {
  auto now = steady_ms();
  if (!formed())
    form(now);
  if (directory_) {
    directory_->tick(now);
    after_directory();
    tick_directory(now);
    if (now >= next_figures_ms_) {
      next_figures_ms_ = now + 1000;
      node_->replicas.put(figures_of(*directory_, directory_shard, *node_));
    }
  }
  tick_asks(now);
}

// -- forming
// ------------------------------------------------------------------

void cluster_state::form(std::uint64_t now_ms) {
  if (!met_cluster_.empty())
    return say_now_and_then(
      "its peers are cluster " + met_cluster_
        + "; take it in with `callboard admin add-node " + me_.name
        + "` (if a node of that name is in it and its disk "
          "is lost: remove-node first)",
      now_ms);
  forming_view view{me_, named_nodes(), {}};
  if (is_named(view.join, offered_by_)) {
    offered_by_ = {};
    return hear_map(std::exchange(offered_map_, {}));
  }
  for (auto& [session, who] : peers_)
    view.peers.push_back(who);
  auto step = next_forming_step(view);
  if (step.action == forming_step::what::wait)
    return say_now_and_then(step.reason, now_ms);
  if (has_data_ && step.founders.size() > 1)
    return say_now_and_then("it has data of its own: form a cluster of this "
                            "node alone (no --join) and add the others to it",
                            now_ms);
  auto map
    = make_cluster_map(new_cluster_id(), node_->conf.engine.shards,
                       node_->conf.cluster.replicas, std::move(step.founders));
  spdlog::info("this node founds cluster {} with {} nodes", map.cluster,
               map.nodes.size());
  become_member(std::move(map), true);
  for (auto& [session, who] : peers_)
    tell_map(session);
}

std::vector<join_address> cluster_state::named_nodes() const {
  auto network = node_->peers.network();
  std::vector<join_address> out;
  for (auto& address : split_addresses(node_->conf.cluster.join))
    out.push_back({address, network->disk_at(address)});
  return out;
}

void cluster_state::say_now_and_then(const std::string& what,
                                     std::uint64_t now_ms) {
  constexpr std::uint64_t interval_ms = 30'000;
  if (what == last_said_ && now_ms < said_ms_ + interval_ms)
    return;
  last_said_ = what;
  said_ms_ = now_ms;
  spdlog::info("this node belongs to no cluster yet: {}", what);
}

// Durable before anybody else hears of it.
void cluster_state::become_member(cluster_map map, bool from_start) {
  auto bytes = encode(map);
  auto ok = identity_->join(map.cluster, from_start ? bytes : std::string{});
  if (ok && !from_start)
    ok = identity_->remember(bytes);
  if (!ok)
    node_->die("the node's identity cannot be stored: " + ok.error().detail);
  auto me = std::ranges::find(map.nodes, me_.disk, &cluster_node::disk);
  node_->self = me->number;
  me_.cluster = map.cluster;
  node_->peers.network()->set_cluster(map.cluster);
  map_ = std::move(map);
  auto shared = std::make_shared<const cluster_map>(map_);
  if (from_start)
    node_->set_first_map(shared);
  node_->set_map(std::move(shared));
  spdlog::info("this node is #{} of cluster {}", node_->self.load().value,
               map_.cluster);
  directory_.emplace(*node_, directory_shard);
  directory_->start(self_);
  for (auto& shard : node_->shards)
    self_->send(shard, map_changed{});
  router_->map_changed();
  dial();
}

/// `from`: who told it; nobody: it is known to be right.
void cluster_state::hear_map(const std::string& bytes, peer_session from) {
  auto map = decode_cluster_map(bytes);
  if (!map) {
    spdlog::warn("a map of the cluster is dropped: {}", map.error().detail);
    return;
  }
  auto lists_me = std::ranges::find(map->nodes, me_.disk, &cluster_node::disk)
                  != map->nodes.end();
  if (formed()) {
    if (map->cluster == map_.cluster && map->version > map_.version)
      take_map(std::move(*map));
    return;
  }
  auto teller = peers_.find(from);
  auto named
    = teller == peers_.end() || is_named(named_nodes(), teller->second);
  if (!lists_me) {
    if (named)
      met_cluster_ = map->cluster;
    return;
  }
  if (map->version == 1 && !named) {
    // It may yet turn out to be one of those, by another name.
    offered_by_ = teller->second;
    offered_map_ = bytes;
    return say_now_and_then("node " + teller->second.name + " at "
                              + teller->second.address
                              + " founds a cluster with it, but cluster.join "
                                "does not name that node",
                            steady_ms());
  }
  if (has_data_)
    return say_now_and_then(
      "cluster " + map->cluster
        + " takes it in, but it has data of its own: start "
          "it with an empty data directory",
      steady_ms());
  if (map->shards.size() != node_->shards.size())
    node_->die("the cluster has " + std::to_string(map->shards.size())
               + " shards; set engine.shards to that and start again with an "
                 "empty data directory");
  auto from_start = map->version == 1;
  become_member(std::move(*map), from_start);
}

void cluster_state::take_map(cluster_map map) {
  if (auto ok = identity_->remember(encode(map)); !ok)
    spdlog::error("the map of the cluster cannot be kept: {}",
                  ok.error().detail);
  for (auto& node : map_.nodes)
    if (!map.find(node.number))
      left_disks_.insert(node.disk);
  map_ = std::move(map);
  node_->set_map(std::make_shared<const cluster_map>(map_));
  if (!map_.find(node_->self))
    spdlog::warn(
      "this node was removed from the cluster: it serves nothing any "
      "more; stop it, and drop its data directory");
  for (auto& shard : node_->shards)
    self_->send(shard, map_changed{});
  router_->map_changed();
  for (auto& [session, who] : peers_)
    tell_map(session);
  dial();
}

// -- peers
// --------------------------------------------------------------------

void cluster_state::handle(const peer_came& x) {
  peers_[x.session] = x.who;
  spdlog::info("linked to node {} ({})", x.who.name, x.who.address);
  tell_map(x.session);
  check_anyway_ = true;
  if (directory_ && directory_->ready())
    next_notice_ms_ = 0;
}

void cluster_state::handle(const peer_went& x) {
  auto at = peers_.find(x.session);
  if (at == peers_.end())
    return;
  spdlog::warn("the link to node {} is lost", at->second.name);
  peers_.erase(at);
  if (x.number == node_number{})
    return;
  if (directory_)
    directory_->peer_gone(x.number);
  if (directory_leader_ == x.number)
    directory_leader_ = {};
  for (auto& [token, order] : orders_)
    if (order.sent_to == x.number)
      order.sent_to = {};
}

/// To everybody: members learn what is new, nodes that were taken in learn that
/// they are, and others that there is a cluster already.
void cluster_state::tell_map(peer_session session) {
  if (formed())
    node_->peers.network()->send(
      session, peer_lane::normal,
      frame(remote::message{remote::map_notice{encode(map_)}}));
}

void cluster_state::dial() {
  auto targets = split_addresses(node_->conf.cluster.join);
  for (auto& node : map_.nodes)
    if (node.disk != me_.disk
        && std::ranges::find(targets, node.address) == targets.end())
      targets.push_back(node.address);
  std::erase(targets, me_.address);
  node_->peers.network()->set_targets(std::move(targets));
}

/// This node may have moved: the others should know where it is.
void cluster_state::check_address() {
  auto me = map_.find(node_->self);
  if (me && me->address != me_.address)
    ask_directory(cluster_change::add_node{me_.name, me_.disk, me_.address},
                  std::nullopt);
}

void cluster_state::handle(map_changed) {
  // Others' business.
}

description cluster_state::describe() const {
  return {"{}", self_->mailbox().size(), 0};
}

cluster_actor::behavior_type
cluster(cluster_actor::stateful_pointer<cluster_state> self, node_context* node,
        peer_router* router, edge_sink* sink,
        std::shared_ptr<node_identity_file> identity, peer_identity me) {
  auto& state = self->state;
  state.init(*node, *router, *sink, std::move(identity), std::move(me));
  return {
    [&state](const log_durable& x) { state.handle(x); },
    [&state](const state_applied& x) { state.handle(x); },
    [&state](const state_flushed& x) { state.handle(x); },
    [&state](const state_pinned& x) { state.handle(x); },
    [&state](const state_installed& x) { state.handle(x); },
    [&state](const state_wiped& x) { state.handle(x); },
    [&state](state_staged& x) { state.handle(x); },
    [&state](const stream_over& x) { state.handle(x); },
    [&state](const digest_made& x) { state.handle(x); },
    [&state](const replica_loaded& x) { state.handle(x); },
    [&state](export_pinned& x) { state.handle(x); },
    [&state](const peer_came& x) { state.handle(x); },
    [&state](const peer_went& x) { state.handle(x); },
    [&state](peer_message& x) { state.handle(x); },
    [&state](map_changed x) { state.handle(x); },
    [&state](cluster_ask& x) { state.handle(x); },
    [&state](cluster_query& x) { state.handle(x); },
    [&state](const map_wish& x) { state.handle(x); },
    [&state](tick x) { state.handle(x); },
    [&state](const describe&) { return state.describe(); },
  };
}

} // namespace callboard
