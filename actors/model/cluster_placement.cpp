#include "actors/model/cluster_placement.hpp"

#include <algorithm>
#include <utility>

namespace callboard {

namespace {

bool holds(const placement& group, node_number node) {
  return std::ranges::find(group.replicas, node) != group.replicas.end();
}

bool led_by(const placement& group, node_number node) {
  return !group.replicas.empty() && group.replicas.front() == node;
}

void lead(placement& group, node_number node) {
  auto at = std::ranges::find(group.replicas, node);
  std::rotate(group.replicas.begin(), at, at + 1);
}

} // namespace

cluster_map changed(const cluster_map& before, cluster_map after) {
  if (after == before)
    return after;
  ++after.version;
  return after;
}

placement* group_of(cluster_map& map, shard_id shard) noexcept {
  if (shard == directory_shard)
    return &map.directory;
  return shard.value < map.shards.size() ? &map.shards[shard.value] : nullptr;
}

tl::unexpected<problem> no_shard(shard_id shard) {
  return fail(errc::not_found,
              "there is no shard " + std::to_string(shard.value));
}

placer::placer(cluster_map& map) : map_{map} {
  for (auto& node : map_.nodes)
    if (!node.leaving)
      loads_.push_back({node.number, 0, 0});
  wanted_ = map_.wanted();
  for (auto& group : map_.shards)
    count(group, 1);
}

placer::load* placer::of(node_number node) noexcept {
  auto at = std::ranges::find(loads_, node, &load::node);
  return at == loads_.end() ? nullptr : &*at;
}

bool placer::counted(const placement& group) const noexcept {
  return &group != &map_.directory;
}

void placer::count(const placement& group, int sign) {
  if (!counted(group))
    return;
  auto add_to = [sign](std::size_t& x) { x = sign > 0 ? x + 1 : x - 1; };
  for (auto node : group.replicas)
    if (auto x = of(node)) {
      add_to(x->replicas);
      if (led_by(group, node))
        add_to(x->leaders);
    }
}

std::optional<node_number>
placer::candidate(const placement& group,
                  std::span<const node_number> except) const {
  const load* best = nullptr;
  for (auto& x : loads_)
    if (std::ranges::find(except, x.node) == except.end()
        && !holds(group, x.node) && !unclean(group, x.node)
        && (best == nullptr
            || std::pair{x.replicas, x.leaders}
                 < std::pair{best->replicas, best->leaders}))
      best = &x;
  return best != nullptr ? std::optional{best->node} : std::nullopt;
}

bool placer::unclean(const placement& group, node_number node) const noexcept {
  auto shard
    = &group == &map_.directory
        ? directory_shard
        : shard_id{static_cast<std::uint64_t>(&group - map_.shards.data())};
  auto taken = map_.taken_from(shard, node);
  return taken != nullptr && !taken->empty;
}

void placer::add(placement& group, node_number node) {
  count(group, -1);
  group.replicas.push_back(node);
  count(group, 1);
}

/// Whoever leads the fewest leads this one.
void placer::lead_by_least(placement& group) {
  if (group.replicas.empty())
    return;
  count(group, -1);
  auto leaders = [this](node_number node) {
    auto x = of(node);
    return x != nullptr ? x->leaders : SIZE_MAX;
  };
  lead(group, *std::ranges::min_element(group.replicas, {}, leaders));
  count(group, 1);
}

void placer::take_out(placement& group, node_number node) {
  auto led = led_by(group, node);
  count(group, -1);
  std::erase(group.replicas, node);
  count(group, 1);
  if (group.pinned == node)
    group.pinned = {};
  if (led)
    lead_by_least(group);
}

void placer::fill(placement& group) {
  auto headless = group.replicas.empty();
  while (group.replicas.size() < wanted_) { // at most once a node
    auto node = candidate(group);
    if (!node)
      break;
    add(group, *node);
  }
  if (headless)
    lead_by_least(group);
}

void placer::fill() {
  for (auto& group : map_.shards)
    fill(group);
  fill(map_.directory);
}

bool placer::move_replica(node_number from, node_number to) {
  placement* found = nullptr;
  for (auto& group : map_.shards) {
    if (!holds(group, from) || holds(group, to) || group.pinned == from
        || unclean(group, to))
      continue;
    // Rather one that need not be led by another node then.
    if (found == nullptr || !led_by(group, from))
      found = &group;
    if (!led_by(group, from))
      break;
  }
  if (found == nullptr)
    return false;
  count(*found, -1);
  *std::ranges::find(found->replicas, from) = to;
  count(*found, 1);
  return true;
}

/// From the fullest to the emptiest; pinned replicas may leave only other
/// pairs.
bool placer::move_one_replica() {
  auto by_load = loads_;
  std::ranges::stable_sort(by_load, {}, &load::replicas);
  for (auto from = by_load.rbegin(); from != by_load.rend(); ++from)
    for (auto& to : by_load)
      if (from->replicas >= to.replicas + 2
          && move_replica(from->node, to.node))
        return true;
  return false;
}

void placer::even_replicas() {
  // Each move takes one from a node that has too many or gives one to a node
  // that has too few: there are fewer moves than replicas.
  auto moves = map_.shards.size() * wanted_;
  while (moves-- > 0 && move_one_replica())
    continue;
}

/// Finds nodes a, b, c … where a leads two more than the last, and each leads a
/// shard that the next one could lead: every one hands one on. Of such ways the
/// one to whoever leads the fewest, by the fewest hand-overs.
bool placer::move_one_leader() {
  auto by_load = loads_;
  std::ranges::stable_sort(by_load, std::ranges::greater{}, &load::leaders);
  for (auto& from : by_load) {
    struct visit {
      node_number node;
      std::size_t before; // in `way`
      placement* group;   // that `before` hands to `node`
    };
    std::vector<visit> way{{from.node, 0, nullptr}};
    for (std::size_t i = 0; i < way.size(); ++i) // each node once
      for (auto& group : map_.shards)
        if (led_by(group, way[i].node) && group.pinned != way[i].node)
          for (auto node : group.replicas)
            if (of(node) != nullptr
                && std::ranges::find(way, node, &visit::node) == way.end())
              way.push_back({node, i, &group});
    auto last = std::ranges::min_element(
      way, {}, [this](const visit& x) { return of(x.node)->leaders; });
    if (of(last->node)->leaders + 2 > from.leaders)
      continue;
    for (auto x = *last; x.group != nullptr; x = way[x.before]) {
      count(*x.group, -1);
      lead(*x.group, x.node);
      count(*x.group, 1);
    }
    return true;
  }
  return false;
}

void placer::even_leaders() {
  auto moves = map_.shards.size() * loads_.size(); // more than there are
  while (moves-- > 0 && move_one_leader())
    continue;
}

void placer::pin(placement& group, node_number node) {
  count(group, -1);
  if (!holds(group, node)) {
    if (group.replicas.size() >= wanted_ && !group.replicas.empty()) {
      // Of those that follow, the one with the most replicas makes room.
      auto replicas = [this](node_number x) {
        auto found = of(x);
        return found != nullptr ? found->replicas : SIZE_MAX;
      };
      auto begin = group.replicas.begin() + (group.replicas.size() > 1 ? 1 : 0);
      group.replicas.erase(
        std::ranges::max_element(begin, group.replicas.end(), {}, replicas));
    }
    group.replicas.push_back(node);
  }
  lead(group, node);
  group.pinned = node;
  count(group, 1);
}

} // namespace callboard
