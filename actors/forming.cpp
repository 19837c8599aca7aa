#include "actors/forming.hpp"

#include <algorithm>
#include <utility>

namespace callboard {

namespace {

forming_step waiting(std::string reason) {
  return {forming_step::what::wait, std::move(reason), {}};
}

cluster_node founder(const peer_identity& x) {
  return {{}, x.name, x.disk, x.address, false};
}

} // namespace

bool is_named(const std::vector<join_address>& join, const peer_identity& who) {
  return std::ranges::any_of(join, [&](const join_address& x) {
    return x.address == who.address || (!x.disk.empty() && x.disk == who.disk);
  });
}

forming_step next_forming_step(const forming_view& x) {
  forming_step step{forming_step::what::found, {}, {founder(x.self)}};
  std::string strangers;
  for (auto& peer : x.peers) {
    if (!is_named(x.join, peer)) {
      strangers
        += (strangers.empty() ? "" : ", ") + peer.name + " at " + peer.address;
      continue;
    }
    if (!peer.cluster.empty())
      return waiting("node " + peer.name + " belongs to cluster " + peer.cluster
                     + " already; take this node in with `callboard admin "
                       "add-node "
                     + x.self.name + "`");
    step.founders.push_back(founder(peer));
  }
  std::string missing;
  for (auto& entry : x.join) {
    const std::vector one{entry};
    auto here = [&](const peer_identity& who) { return is_named(one, who); };
    if (!here(x.self) && std::ranges::none_of(x.peers, here))
      missing += (missing.empty() ? "" : ", ") + entry.address;
  }
  if (!missing.empty())
    return waiting("to form the cluster all of cluster.join must be there; not "
                   "linked: "
                   + missing
                   + (strangers.empty()
                        ? ""
                        : " (linked, but not named by it: " + strangers + ')'));
  auto first = std::ranges::min_element(step.founders, {}, &cluster_node::name);
  if (first->name != x.self.name)
    return waiting("node " + first->name + " is about to found the cluster");
  return step;
}

std::vector<std::string> split_addresses(std::string_view list) {
  std::vector<std::string> out;
  while (!list.empty()) {
    auto end = std::min(list.find(','), list.size());
    auto part = list.substr(0, end);
    while (!part.empty() && part.front() == ' ')
      part.remove_prefix(1);
    while (!part.empty() && part.back() == ' ')
      part.remove_suffix(1);
    if (!part.empty())
      out.emplace_back(part);
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return out;
}

} // namespace callboard
