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

forming_step next_forming_step(const forming_view& x) {
  forming_step step{forming_step::what::found, {}, {founder(x.self)}};
  std::string missing;
  std::size_t expected = 0;
  for (auto& address : x.join) {
    if (address == x.self.address)
      continue;
    ++expected;
    if (std::ranges::find(x.peers, address, &peer_identity::address)
        == x.peers.end())
      missing += (missing.empty() ? "" : ", ") + address;
  }
  for (auto& peer : x.peers) {
    if (!peer.cluster.empty())
      return waiting("node " + peer.name + " belongs to cluster " + peer.cluster
                     + " already; take this node in with `callboard admin "
                       "add-node "
                     + x.self.name + "`");
    step.founders.push_back(founder(peer));
  }
  // Names resolve in many ways: what counts in the end is how many there are.
  if (x.peers.size() < expected && !missing.empty())
    return waiting("to form the cluster all of cluster.join must be there; not "
                   "linked: "
                   + missing);
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
