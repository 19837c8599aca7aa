#include "cli/cluster_status.hpp"

#include "actors/model/json.hpp"

#include <algorithm>
#include <charconv>
#include <map>

namespace callboard {

namespace {

/// The number of the directory's group among those of the shards.
constexpr std::string_view directory_number = "65535";

std::string text(const json::value& x) {
  return std::string{x.is(json::kind::string) ? x.string() : x.raw()};
}

std::string text(const json::value& of, std::string_view key) {
  const auto x = of.find(key);
  return !x || x->is(json::kind::null) ? std::string{} : text(*x);
}

std::optional<std::uint64_t> number(const json::value& of,
                                    std::string_view key) {
  const auto x = of.find(key);
  if (!x || !x->is(json::kind::number))
    return std::nullopt;
  const auto out = x->integer();
  if (!out || *out < 0)
    return std::nullopt;
  return static_cast<std::uint64_t>(*out);
}

bool flag(const json::value& of, std::string_view key, bool otherwise) {
  const auto x = of.find(key);
  return x ? x->boolean().value_or(otherwise) : otherwise;
}

std::vector<std::string> texts(const json::value& of, std::string_view key) {
  std::vector<std::string> out;
  if (const auto list = of.find(key))
    for (const auto x : list->items())
      out.push_back(text(x));
  return out;
}

cluster_status::node read_node(const json::value& x) {
  return {.name = text(x, "name"),
          .state = text(x, "state"),
          .address = text(x, "address"),
          .version = text(x, "version"),
          .uptime_ms = number(x, "uptime_ms"),
          .leaders = number(x, "leaders").value_or(0),
          .replicas = number(x, "replicas").value_or(0),
          .round_trip_us = number(x, "round_trip_us").value_or(0)};
}

cluster_status::replica read_replica(const json::value& x) {
  return {.node = text(x, "node"),
          .voter = flag(x, "voter", true),
          .lag = number(x, "lag").value_or(0),
          .silent_ms = number(x, "silent_ms"),
          .applied_index = number(x, "applied_index"),
          .digest = text(x, "digest"),
          .digest_at = number(x, "digest_index")};
}

cluster_status::shard read_shard(const json::value& x) {
  cluster_status::shard out;
  out.name = text(x, "shard");
  if (out.name == directory_number)
    out.name = "directory";
  out.leader = text(x, "leader");
  out.term = number(x, "term").value_or(0);
  out.commit_index = number(x, "commit_index").value_or(0);
  out.applied_index = number(x, "applied_index").value_or(0);
  if (const auto list = x.find("replicas"))
    for (const auto each : list->items())
      out.replicas.push_back(read_replica(each));
  out.wanted = texts(x, "wanted");
  out.pinned = text(x, "pinned");
  out.moves = texts(x, "moves");
  if (const auto list = x.find("taken_out"))
    for (const auto taken : list->items())
      if (const auto state = text(taken, "state");
          state == "back" || state == "replaced")
        out.mended.push_back(text(taken, "node"));
  return out;
}

using names = std::vector<std::string>;

/// "shard 3", "shards 0-4".
std::string these(const names& shards) {
  return (shards.size() == 1 && shards.front() != "directory" ? "shard "
          : shards.size() == 1                                ? "the "
                                                              : "shards ")
         + ranges(shards);
}

/// Two replicas that applied the same and hold something else.
std::optional<std::string> difference(const cluster_status::shard& x) {
  for (const auto& a : x.replicas)
    for (const auto& b : x.replicas)
      if (&a < &b && !a.digest.empty() && !b.digest.empty() && a.digest_at
          && a.digest_at == b.digest_at && a.digest != b.digest)
        return these({x.name}) + ": what " + a.node + " and " + b.node
               + " hold differs at " + std::to_string(*a.digest_at);
  return std::nullopt;
}

/// Shards by how many live voters they have of how many wanted.
struct voter_counts {
  names without_majority;
  std::map<std::pair<std::size_t, std::size_t>, names> too_few;
};

voter_counts count_voters(const cluster_status& x) {
  voter_counts out;
  for (const auto& shard : x.shards) {
    const auto is_up = [&x](std::string_view name) {
      const auto* node = x.find(name);
      return node != nullptr && node->is_up();
    };
    // Only a leader knows the replicas; without one, those that are wanted.
    auto voters = static_cast<std::size_t>(shard.voters());
    auto alive = static_cast<std::size_t>(
      std::ranges::count_if(shard.replicas, [&](const auto& each) {
        return each.voter && is_up(each.node);
      }));
    if (shard.replicas.empty()) {
      voters = shard.wanted.size();
      alive
        = static_cast<std::size_t>(std::ranges::count_if(shard.wanted, is_up));
    }
    if (voters != 0 && alive <= voters / 2)
      out.without_majority.push_back(shard.name);
    else if (const auto wanted = std::max(voters, shard.wanted.size());
             voters != 0 && alive < wanted)
      out.too_few[{alive, wanted}].push_back(shard.name);
  }
  return out;
}

} // namespace

std::uint64_t cluster_status::shard::voters() const {
  return static_cast<std::uint64_t>(
    std::ranges::count_if(replicas, [](const auto& x) { return x.voter; }));
}

const cluster_status::node* cluster_status::find(std::string_view name) const {
  const auto at = std::ranges::find(nodes, name, &node::name);
  return at == nodes.end() ? nullptr : &*at;
}

std::vector<std::string> remarks(const cluster_status& x) {
  std::map<std::string, names> by_node;
  for (const auto& shard : x.shards)
    for (const auto& node : shard.mended)
      by_node[node].push_back(shard.name);
  std::vector<std::string> out;
  for (const auto& [node, shards] : by_node)
    out.push_back("what " + node + " held of " + these(shards)
                  + " differed and was replaced: look after its disk");
  return out;
}

result<cluster_status> parse_cluster_status(std::string_view json) {
  const auto doc = json::document::parse(json, {.max_values = 1u << 22});
  if (!doc)
    return tl::unexpected{doc.error()};
  const auto root = doc->root();
  const auto nodes = root.find("nodes");
  const auto shards = root.find("shards");
  if (!nodes || !shards)
    return fail(errc::invalid, "this is no description of a cluster");
  cluster_status out;
  out.cluster = text(root, "cluster");
  out.version = number(root, "version").value_or(0);
  for (const auto x : nodes->items())
    out.nodes.push_back(read_node(x));
  for (const auto x : shards->items())
    out.shards.push_back(read_shard(x));
  out.moves_in_progress = number(root, "moves_in_progress").value_or(0);
  out.alarms = texts(root, "alarms");
  return out;
}

std::vector<std::string> troubles(const cluster_status& x) {
  std::vector<std::string> out;
  names leaderless;
  for (const auto& shard : x.shards)
    if (shard.leader.empty())
      leaderless.push_back(shard.name);
  const auto counts = count_voters(x);
  if (!leaderless.empty())
    out.push_back("no leader: " + these(leaderless) + " (calls wait)");
  if (!counts.without_majority.empty())
    out.push_back("no majority: " + these(counts.without_majority)
                  + " (no writes until a node comes back)");
  for (const auto& node : x.nodes)
    if (!node.is_up())
      out.push_back("node " + node.name + " is down");
  for (const auto& [count, shards] : counts.too_few)
    out.push_back("only " + std::to_string(count.first) + " of "
                  + std::to_string(count.second)
                  + " voters alive: " + these(shards));
  for (const auto& shard : x.shards)
    if (auto what = difference(shard))
      out.push_back(std::move(*what));
  // What is said above already is not said again in the node's words.
  std::vector<std::string> known;
  for (const auto& node : x.nodes)
    if (!node.is_up())
      known.push_back("node " + node.name + " is down");
  for (const auto& alarm : x.alarms)
    if (std::ranges::find(known, alarm) == known.end()
        && alarm.find("has no leader") == std::string::npos)
      out.push_back("alarm: " + alarm);
  return out;
}

std::string unsettled(const cluster_status& x) {
  if (x.moves_in_progress != 0)
    return std::to_string(x.moves_in_progress)
           + (x.moves_in_progress == 1 ? " move" : " moves") + " in progress";
  names misplaced, led_by_others;
  for (const auto& shard : x.shards) {
    names there;
    for (const auto& each : shard.replicas)
      there.push_back(each.node);
    auto wanted = shard.wanted;
    std::ranges::sort(there);
    std::ranges::sort(wanted);
    if (!wanted.empty() && (there != wanted || shard.voters() != wanted.size()))
      misplaced.push_back(shard.name);
    const auto& should = !shard.pinned.empty()  ? shard.pinned
                         : shard.wanted.empty() ? shard.leader
                                                : shard.wanted.front();
    if (shard.leader.empty() || shard.leader != should)
      led_by_others.push_back(shard.name);
  }
  if (!misplaced.empty())
    return "replicas are not in place yet: " + these(misplaced);
  if (!led_by_others.empty())
    return "not led by the wanted node yet: " + these(led_by_others);
  return {};
}

std::string ranges(const std::vector<std::string>& all) {
  std::vector<std::uint64_t> numbers;
  std::string out;
  const auto add
    = [&out](const std::string& x) { out += (out.empty() ? "" : ", ") + x; };
  for (const auto& x : all) {
    std::uint64_t n = 0;
    const auto* const end = x.data() + x.size();
    if (std::from_chars(x.data(), end, n).ptr == end && !x.empty())
      numbers.push_back(n);
    else
      add(x);
  }
  std::ranges::sort(numbers);
  for (std::size_t i = 0; i < numbers.size();) {
    auto last = i;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1)
      ++last;
    auto part = std::to_string(numbers[i]);
    if (last > i)
      part += (last == i + 1 ? ", " : "-") + std::to_string(numbers[last]);
    add(part);
    i = last + 1;
  }
  return out;
}

} // namespace callboard
