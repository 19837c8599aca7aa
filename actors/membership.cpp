#include "actors/membership.hpp"

#include <algorithm>
#include <utility>

namespace callboard {

namespace {

constexpr std::uint64_t log_interval_ms = 30'000;
constexpr std::uint64_t first_log_ms = 5'000;

/// As make_cluster_map() makes it: the map that the cluster began with.
bool is_first(const cluster_map& map) {
  return map.version == 1;
}

const cluster_node* node_of_disk(const cluster_map& map,
                                 const std::string& disk) {
  auto at = std::ranges::find(map.nodes, disk, &cluster_node::disk);
  return at == map.nodes.end() ? nullptr : &*at;
}

} // namespace

membership::membership(options opts, memory found, hooks out)
    : opts_{std::move(opts)}, memory_{std::move(found)}, out_{std::move(out)},
      forming_{opts_.self, opts_.join} {
  // nop
}

result<void> membership::start() {
  if (memory_.cluster.empty()) {
    try_to_found();
    return {};
  }
  if (!memory_.genesis.empty()) {
    auto first = decode_cluster_map(memory_.genesis);
    if (!first)
      return fail(errc::internal, "the first map of the cluster is damaged: "
                                    + first.error().detail);
    genesis_ = std::make_shared<const cluster_map>(std::move(*first));
  }
  // A node that was taken in may have ended before it kept the map: it will be
  // told again.
  if (memory_.latest.empty())
    return {};
  auto latest = decode_cluster_map(memory_.latest);
  if (!latest)
    return fail(errc::internal, "the last map of the cluster is damaged: "
                                  + latest.error().detail);
  now_ = std::make_shared<const cluster_map>(std::move(*latest));
  out_.changed(now_, genesis_);
  return {};
}

const cluster_node* membership::self() const noexcept {
  return now_ ? node_of_disk(*now_, opts_.self.disk) : nullptr;
}

std::vector<std::string> membership::targets() const {
  std::vector<std::string> out;
  if (now_) {
    for (auto& node : now_->nodes)
      if (node.disk != opts_.self.disk)
        out.push_back(node.address);
    if (self() != nullptr)
      return out;
  }
  for (auto& address : opts_.join)
    if (address != opts_.self.address
        && std::ranges::find(out, address) == out.end())
      out.push_back(address);
  return out;
}

const peer_identity* membership::linked(const std::string& name) const {
  const peer_identity* out = nullptr;
  for (auto& [session, who] : peers_)
    if (who.name == name)
      out = &who;
  return out;
}

peer_session membership::session_of(const std::string& disk) const {
  peer_session out;
  for (auto& [session, who] : peers_)
    if (who.disk == disk)
      out = session;
  return out;
}

// -- others come and go
// ----------------------------------------------------------

void membership::up(peer_session session, const peer_identity& who) {
  std::erase_if(peers_, [&](auto& x) {
    if (x.second.disk == who.disk)
      forming_.down(x.first);
    return x.second.disk == who.disk;
  });
  peers_[session] = who;
  forming_.up(session, who);
  tell(session, who);
}

void membership::down(peer_session session) {
  peers_.erase(session);
  forming_.down(session);
}

/// What a peer should know of us: the map, or how many nodes we wait for.
void membership::tell(peer_session session, const peer_identity& who) {
  if (!formed()) {
    if (memory_.cluster.empty() && !opts_.has_data)
      out_.send(session, remote::forming_notice{forming_.founders()});
    return;
  }
  // A founder that was not there when it happened founds its groups by the
  // first map, unless it was removed meanwhile. Everyone else goes by the last.
  auto founds = genesis_ && who.cluster.empty()
                && node_of_disk(*genesis_, who.disk) != nullptr
                && node_of_disk(*now_, who.disk) != nullptr;
  if (founds)
    out_.send(session, remote::map_notice{encode(*genesis_)});
  if (!founds || *now_ != *genesis_)
    out_.send(session, remote::map_notice{encode(*now_)});
}

void membership::tell_all() {
  for (auto& [session, who] : peers_)
    tell(session, who);
}

// -- belonging to none
// ---------------------------------------------------------

void membership::hear(peer_session session, const remote::forming_notice& x) {
  forming_.heard(session, x.nodes);
  if (!formed())
    return try_to_found();
  // It missed what it was told, or could not keep it.
  if (auto at = peers_.find(session); at != peers_.end())
    tell(session, at->second);
}

void membership::try_to_found() {
  if (formed() || !memory_.cluster.empty()
      || (opts_.has_data && forming_.founders() > 1))
    return;
  auto map = forming_.found(out_.new_cluster(), opts_.shards, opts_.replicas);
  if (!map)
    return;
  out_.log("founds a cluster of " + std::to_string(map->nodes.size())
           + (map->nodes.size() == 1 ? " node" : " nodes"));
  auto bytes = encode(*map);
  adopt(bytes, std::move(*map));
}

/// Durable first; only then anybody hears of it.
void membership::adopt(const std::string& bytes, cluster_map map) {
  auto cluster = map.cluster;
  auto genesis = is_first(map) ? bytes : std::string{};
  if (auto ok = out_.join(cluster, genesis); !ok)
    return out_.log("cannot join the cluster: " + ok.error().detail);
  memory_.cluster = cluster;
  memory_.genesis = genesis;
  theirs_.reset();
  out_.log("belongs to cluster " + cluster);
  if (!genesis.empty())
    genesis_ = std::make_shared<const cluster_map>(map);
  take(bytes, std::move(map));
}

// -- belonging to one
// ----------------------------------------------------------

void membership::hear(peer_session, const remote::map_notice& x) {
  auto map = decode_cluster_map(x.map);
  if (!map)
    return out_.log("a map that cannot be read is dropped: "
                    + map.error().detail);
  auto names_us = node_of_disk(*map, opts_.self.disk) != nullptr;
  if (!memory_.cluster.empty()) {
    if (map->cluster == memory_.cluster)
      take(x.map, std::move(*map));
    return;
  }
  if (!names_us) {
    theirs_ = std::move(*map);
    return;
  }
  if (opts_.has_data && is_first(*map))
    return; // nobody who follows the rules founds with us
  adopt(x.map, std::move(*map));
}

void membership::applied(const std::string& map) {
  auto decoded = decode_cluster_map(map);
  if (decoded && decoded->cluster == memory_.cluster)
    take(map, std::move(*decoded));
}

/// A newer one. What cannot be kept on the disk now is used all the same: it is
/// the directory's, and the disk only makes the next start quicker.
void membership::take(const std::string& bytes, cluster_map map) {
  if (now_ && map.version <= now_->version)
    return;
  if (auto ok = out_.remember(bytes); !ok)
    out_.log("the map cannot be kept: " + ok.error().detail);
  memory_.latest = bytes;
  auto was_in = self() != nullptr;
  now_ = std::make_shared<const cluster_map>(std::move(map));
  if (was_in && self() == nullptr)
    out_.log("is no member of the cluster any more; to use it again, start it "
             "with an empty data directory");
  out_.changed(now_, genesis_);
  tell_all();
}

// -- time
// ------------------------------------------------------------------------

std::string membership::waiting_text() const {
  auto add = "callboard admin add-node " + opts_.self.name;
  if (theirs_) {
    if (theirs_->find(opts_.self.name) != nullptr)
      return "belongs to no cluster; cluster " + theirs_->cluster
             + " has a node of its name with another data directory: remove "
               "that one first (callboard admin remove-node "
             + opts_.self.name + "), then take this one in (" + add + ")";
    return "belongs to no cluster: take it into cluster " + theirs_->cluster
           + " with: " + add;
  }
  if (!memory_.cluster.empty())
    return "belongs to cluster " + memory_.cluster
           + " and waits to be told its map";
  if (opts_.has_data && forming_.founders() > 1)
    return "has data of its own, so it cannot form a cluster with others: "
           "start it with an empty cluster.join, then take the others in";
  return "belongs to no cluster: " + forming_.waiting_for();
}

void membership::tick(std::uint64_t now_ms) {
  if (!formed()) {
    tell_all(); // what was lost is said again
    try_to_found();
  }
  if (formed())
    return;
  if (next_log_ms_ == 0)
    next_log_ms_ = now_ms + first_log_ms;
  if (now_ms < next_log_ms_)
    return;
  next_log_ms_ = now_ms + log_interval_ms;
  out_.log(waiting_text());
}

} // namespace callboard
