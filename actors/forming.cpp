#include "actors/forming.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace callboard {

std::vector<std::string> join_addresses(std::string_view setting) {
  std::vector<std::string> out;
  while (!setting.empty()) {
    auto comma = std::min(setting.find(','), setting.size());
    auto one = setting.substr(0, comma);
    setting.remove_prefix(std::min(comma + 1, setting.size()));
    auto begin = one.find_first_not_of(" \t");
    if (begin == std::string_view::npos)
      continue;
    one = one.substr(begin, one.find_last_not_of(" \t") - begin + 1);
    if (std::ranges::find(out, one) == out.end())
      out.emplace_back(one);
  }
  return out;
}

forming::forming(peer_identity self, std::vector<std::string> join)
    : self_{std::move(self)}, join_{std::move(join)} {
  std::erase(join_, self_.address);
  founders_ = static_cast<std::uint32_t>(join_.size()) + 1;
}

void forming::up(peer_session session, const peer_identity& who) {
  peers_[session] = {who, 0};
}

void forming::down(peer_session session) {
  peers_.erase(session);
}

void forming::heard(peer_session session, std::uint32_t founders) {
  if (auto at = peers_.find(session); at != peers_.end())
    at->second.founders = founders;
}

std::optional<std::vector<peer_identity>> forming::others() const {
  auto wanted = founders_ - 1;
  std::vector<peer_identity> said, named;
  for (auto& [session, x] : peers_) {
    if (!x.who.cluster.empty() || x.founders != founders_)
      continue;
    said.push_back(x.who);
    if (std::ranges::find(join_, x.who.address) != join_.end())
      named.push_back(x.who);
  }
  // Others may have found us that happen to expect as many nodes: then only
  // addresses tell who is meant.
  auto& out = said.size() > wanted ? named : said;
  if (out.size() != wanted)
    return std::nullopt;
  std::set<std::string_view> names{self_.name}, disks{self_.disk};
  for (auto& x : out)
    if (!names.insert(x.name).second || !disks.insert(x.disk).second)
      return std::nullopt;
  return out;
}

std::optional<cluster_map> forming::found(const std::string& cluster,
                                          std::uint32_t shards,
                                          std::uint32_t replicas) const {
  auto peers = others();
  if (!peers)
    return std::nullopt;
  std::vector<cluster_node> nodes{
    {{}, self_.name, self_.disk, self_.address, false}};
  for (auto& x : *peers) {
    if (x.name < self_.name)
      return std::nullopt;
    nodes.push_back({{}, x.name, x.disk, x.address, false});
  }
  return make_cluster_map(cluster, shards, replicas, std::move(nodes));
}

std::string forming::waiting_for() const {
  if (auto peers = others())
    return std::ranges::min(*peers, {}, &peer_identity::name).name
           + " will found the cluster";
  std::string names;
  std::size_t agree = 0;
  for (auto& [session, x] : peers_) {
    if (!x.who.cluster.empty())
      continue;
    agree += x.founders == founders_;
    names += (names.empty() ? "" : ", ") + x.who.name;
    if (x.who.name == self_.name)
      names += " (this node's own name)";
    else if (x.founders != 0 && x.founders != founders_)
      names += " (it expects " + std::to_string(x.founders) + ")";
  }
  return std::to_string(founders_) + " nodes form the cluster, "
         + std::to_string(agree + 1) + " are there"
         + (names.empty() ? std::string{" (nobody else is linked)"}
                          : ": this one and " + names);
}

} // namespace callboard
