#include "actors/model/cluster_map.hpp"
#include "actors/model/cluster_placement.hpp"

#include <algorithm>
#include <utility>

namespace callboard {

namespace {

constexpr std::size_t max_nodes = 1000;
constexpr std::size_t max_text_bytes = 256; // names, disks, addresses

bool writable(std::string_view text) {
  return !text.empty() && text.size() <= max_text_bytes;
}

cluster_node* node_named(cluster_map& map, std::string_view name) {
  auto at = std::ranges::find(map.nodes, name, &cluster_node::name);
  return at == map.nodes.end() ? nullptr : &*at;
}

tl::unexpected<problem> no_node(std::string_view name) {
  return fail(errc::not_found,
              "no node of the cluster is named \"" + std::string{name} + '"');
}

bool in_use(const cluster_map& map, node_number node) {
  auto has = [node](const placement& group) {
    return std::ranges::find(group.replicas, node) != group.replicas.end();
  };
  return has(map.directory) || std::ranges::any_of(map.shards, has);
}

} // namespace

cluster_map make_cluster_map(std::string cluster, std::uint32_t shards,
                             std::uint32_t replicas,
                             std::vector<cluster_node> nodes) {
  cluster_map out;
  out.version = 1;
  out.cluster = std::move(cluster);
  out.replicas = std::max(replicas, 1u);
  out.nodes = std::move(nodes);
  std::ranges::sort(out.nodes, {}, &cluster_node::name);
  for (auto& node : out.nodes)
    node.number = {out.next_number++};
  out.shards.resize(shards);
  placer place{out};
  place.fill();
  place.even_leaders();
  return out;
}

result<cluster_map> change(const cluster_map& at,
                           const cluster_change::add_node& x) {
  if (!writable(x.name) || !writable(x.disk) || !writable(x.address))
    return fail(errc::invalid, "a node needs a name, a disk and an address of "
                               "at most "
                                 + std::to_string(max_text_bytes) + " bytes");
  auto map = at;
  if (auto known = std::ranges::find(map.nodes, x.disk, &cluster_node::disk);
      known != map.nodes.end()) {
    if (known->name != x.name)
      return fail(errc::conflict, "the disk of \"" + x.name
                                    + "\" belongs to the node \"" + known->name
                                    + '"');
    known->address = x.address;
    return changed(at, std::move(map));
  }
  if (auto other = at.find(x.name))
    return fail(errc::conflict,
                other->leaving
                  ? "the node \"" + x.name
                      + "\" of another disk is just leaving: wait until it "
                        "has gone"
                  : "another disk has the name \"" + x.name
                      + "\": remove that node first (callboard admin "
                        "remove-node "
                      + x.name + ")");
  if (map.nodes.size() >= max_nodes)
    return fail(errc::conflict, "the cluster has " + std::to_string(max_nodes)
                                  + " nodes already");
  map.nodes.push_back({{map.next_number++}, x.name, x.disk, x.address, false});
  placer{map}.fill();
  return changed(at, std::move(map));
}

result<cluster_map> change(const cluster_map& at,
                           const cluster_change::remove_node& x) {
  auto map = at;
  auto node = node_named(map, x.name);
  if (node == nullptr)
    return no_node(x.name);
  if (!node->leaving
      && std::ranges::count(map.nodes, false, &cluster_node::leaving) == 1)
    return fail(errc::conflict,
                '"' + x.name + "\" is the last node of the cluster");
  node->leaving = true;
  placer place{map};
  for (auto& group : map.shards)
    place.take_out(group, node->number);
  place.take_out(map.directory, node->number);
  place.fill();
  return changed(at, std::move(map));
}

result<cluster_map> change(const cluster_map& at,
                           const cluster_change::drop_node& x) {
  auto node = at.find(x.number);
  if (node == nullptr)
    return fail(errc::not_found,
                "there is no node " + std::to_string(x.number.value));
  if (!node->leaving || in_use(at, x.number))
    return fail(errc::conflict, "the node \"" + node->name
                                  + "\" is not leaving: remove it first");
  auto map = at;
  std::erase_if(map.nodes,
                [&](const cluster_node& y) { return y.number == x.number; });
  std::erase_if(map.taken,
                [&](const taken_replica& y) { return y.node == x.number; });
  return changed(at, std::move(map));
}

result<cluster_map> change(const cluster_map& at,
                           const cluster_change::rebalance&) {
  auto map = at;
  placer place{map};
  place.fill();
  place.even_replicas();
  place.even_leaders();
  return changed(at, std::move(map));
}

result<cluster_map> change(const cluster_map& at,
                           const cluster_change::pin& x) {
  auto map = at;
  auto group = group_of(map, x.shard);
  if (group == nullptr)
    return no_shard(x.shard);
  if (x.node.empty()) {
    group->pinned = {};
    return changed(at, std::move(map));
  }
  auto node = at.find(x.node);
  if (node == nullptr)
    return no_node(x.node);
  if (node->leaving)
    return fail(errc::conflict, "the node \"" + x.node + "\" is leaving");
  if (placer{map}.unclean(*group, node->number))
    return fail(errc::conflict,
                "what the node \"" + x.node
                  + "\" held of this shard differed, and it has not dropped it "
                    "yet: try again in a moment");
  placer{map}.pin(*group, node->number);
  return changed(at, std::move(map));
}

} // namespace callboard
