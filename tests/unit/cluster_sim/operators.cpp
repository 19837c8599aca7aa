#include "tests/unit/cluster_sim/operators.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace callboard::sim {

namespace {

using what = cluster_order::what;

bool lists(const cluster_map& map, const std::string& disk) {
  return std::ranges::find(map.nodes, disk, &cluster_node::disk)
         != map.nodes.end();
}

} // namespace

std::optional<std::size_t> operators::some_member() {
  for (int i = 0; i < 8; ++i)
    if (auto node = cluster_.random() % cluster_.size(); cluster_.serves(node))
      return node;
  return std::nullopt;
}

void operators::give(cluster_order x) {
  auto at = some_member();
  if (!at)
    return;
  ++orders_;
  // What becomes of it shows in the map, if nothing comes in between.
  cluster_.api(*at).admin(clients_.expect([](const answer&) {}), std::move(x));
}

// Whoever was removed is added with another disk only; so nobody may be removed
// while an order to add it may still be on its way.
void operators::add(std::size_t node) {
  auto at = some_member();
  if (!at)
    return;
  ++orders_;
  auto disk = cluster_.disk_of(node);
  asked_.insert(disk);
  cluster_.api(*at).admin(
    clients_.expect([this, disk](const answer&) { asked_.erase(disk); }),
    cluster_order{what::add_node, node_name(node), std::nullopt});
}

void operators::look() {
  if (auto map = cluster_.map(); map && map->version > newest_.version)
    newest_ = *map;
  for (auto& node : newest_.nodes)
    members_.insert(node.disk);
}

void operators::order_something() {
  auto map = cluster_.map();
  if (!map || map->nodes.empty())
    return;
  look();
  auto node = cluster_.random() % cluster_.size();
  auto name = node_name(node);
  auto shard = static_cast<std::uint32_t>(cluster_.random() % shard_count);
  auto stay = std::ranges::count(map->nodes, false, &cluster_node::leaving);
  switch (cluster_.random() % 8) {
  case 0:
  case 1:
  case 2: {
    // Three stay, so that one can fail.
    auto member = map->find(std::string_view{name});
    if (!member && !members_.contains(cluster_.disk_of(node)))
      add(node);
    else if (member && stay > 3 && !member->leaving
             && !asked_.contains(member->disk))
      give({what::remove_node, name, std::nullopt});
    break;
  }
  case 3:
  case 4:
    give({what::rebalance, {}, std::nullopt});
    break;
  case 5:
  case 6:
    give({what::transfer, name, shard});
    break;
  default:
    give({what::pin, cluster_.random() % 2 == 0 ? name : std::string{}, shard});
    break;
  }
}

void operators::lose_a_disk() {
  if (lost_node_)
    return;
  for (std::size_t node = 0; node < cluster_.size(); ++node)
    if (!cluster_.serves(node))
      return; // what the others lack would be lost
  auto node = cluster_.random() % cluster_.size();
  lost_node_ = node;
  lost_disk_ = cluster_.disk_of(node);
  cluster_.crash(node);
  cluster_.replace_disk(node);
  cluster_.restart(node);
}

bool operators::done() const {
  return lost_disk_.empty();
}

void operators::replace_lost_node() {
  auto map = cluster_.map();
  if (lost_disk_.empty() || !map || !cluster_.up(*lost_node_))
    return;
  auto name = node_name(*lost_node_);
  auto member = map->find(std::string_view{name});
  if (member && member->disk == lost_disk_) {
    if (!member->leaving)
      give({what::remove_node, name, std::nullopt});
  } else if (!member) {
    add(*lost_node_);
  } else {
    lost_disk_.clear();
  }
}

void operators::tick() {
  if (cluster_.now_ms() < next_look_ms_)
    return;
  next_look_ms_ = cluster_.now_ms() + 500;
  look();
  for (std::size_t node = 0; node < cluster_.size(); ++node)
    if (auto& disk = cluster_.disk_of(node);
        members_.contains(disk) && !lists(newest_, disk)) {
      spdlog::info("{} gets another disk, as map {} lacks {}", node_name(node),
                   newest_.version, disk);
      if (cluster_.up(node))
        cluster_.crash(node);
      cluster_.replace_disk(node);
      cluster_.restart(node);
    }
  replace_lost_node();
}

} // namespace callboard::sim
