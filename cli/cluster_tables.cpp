#include "cli/cluster_tables.hpp"

#include <algorithm>
#include <cstdio>
#include <set>
#include <span>

namespace callboard {

namespace {

using row = std::vector<std::string>;

/// Columns as wide as their widest cell; the last one is not padded.
void append_table(std::string& out, std::span<const row> rows) {
  std::vector<std::size_t> widths;
  for (const auto& each : rows) {
    widths.resize(std::max(widths.size(), each.size()));
    for (std::size_t i = 0; i < each.size(); ++i)
      widths[i] = std::max(widths[i], each[i].size());
  }
  for (const auto& each : rows) {
    std::string line;
    for (std::size_t i = 0; i < each.size(); ++i) {
      line += each[i];
      line.append(widths[i] - each[i].size() + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
}

/// Two units at most: "3d 4h", "2m 5s", "12s".
std::string shown_time(std::uint64_t ms) {
  struct unit {
    std::uint64_t seconds;
    char name;
  };
  constexpr unit units[]{{86'400, 'd'}, {3'600, 'h'}, {60, 'm'}, {1, 's'}};
  auto rest = ms / 1000;
  for (std::size_t i = 0; i < std::size(units); ++i) {
    if (rest < units[i].seconds && i + 1 < std::size(units))
      continue;
    auto out = std::to_string(rest / units[i].seconds) + units[i].name;
    if (const auto less = rest % units[i].seconds;
        i + 1 < std::size(units) && less >= units[i + 1].seconds)
      out += ' ' + std::to_string(less / units[i + 1].seconds)
             + units[i + 1].name;
    return out;
  }
  return "0s";
}

std::string shown_round_trip(std::uint64_t us) {
  if (us == 0)
    return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.1fms", static_cast<double>(us) / 1000);
  return text;
}

std::string or_dash(const std::string& x) {
  return x.empty() ? "-" : x;
}

/// "n1", "n2 (5 behind)", "n3 (down)", "n4 (learner, 812 behind)".
std::string shown_replica(const cluster_status& all,
                          const cluster_status::replica& x) {
  constexpr std::uint64_t silence_ms = 2000;
  std::string notes;
  const auto add = [&notes](const std::string& what) {
    notes += (notes.empty() ? "" : ", ") + what;
  };
  const auto* node = all.find(x.node);
  if (node == nullptr || !node->is_up())
    add("down");
  else if (x.silent_ms.value_or(0) >= silence_ms)
    add("silent for " + shown_time(*x.silent_ms));
  if (!x.voter)
    add("learner");
  if (x.lag != 0)
    add(std::to_string(x.lag) + " behind");
  return notes.empty() ? x.node : x.node + " (" + notes + ')';
}

std::string shown_replicas(const cluster_status& all,
                           const cluster_status::shard& x) {
  std::string out;
  for (const auto& each : x.replicas)
    out += (out.empty() ? "" : ", ") + shown_replica(all, each);
  return or_dash(out);
}

std::string shown_moves(const cluster_status::shard& x) {
  std::string out;
  for (const auto& each : x.moves)
    out += (out.empty() ? "" : "; ") + each;
  return out;
}

std::string counted(std::size_t n, const std::string& what) {
  return std::to_string(n) + ' ' + what + (n == 1 ? "" : "s");
}

std::size_t nodes_up(const cluster_status& x) {
  return static_cast<std::size_t>(std::ranges::count_if(
    x.nodes, [](const auto& node) { return node.is_up(); }));
}

/// ", all with a leader and 3 voters", or how many have which.
std::string shown_health(const std::vector<cluster_status::shard>& shards) {
  if (shards.empty())
    return {};
  std::size_t led = 0;
  std::set<std::uint64_t> voters;
  for (const auto& shard : shards) {
    led += shard.leader.empty() ? 0 : 1;
    if (!shard.replicas.empty()) // else nobody knows
      voters.insert(shard.voters());
  }
  if (voters.empty())
    return ", " + std::to_string(led) + " with a leader";
  auto count = std::to_string(*voters.begin());
  if (voters.size() > 1)
    count += " to " + std::to_string(*voters.rbegin());
  count += *voters.rbegin() == 1 ? " voter" : " voters";
  if (led == shards.size())
    return ", all with a leader and " + count;
  return ", " + std::to_string(led) + " with a leader, " + count;
}

} // namespace

std::string summary_line(const cluster_status& x) {
  const auto up = nodes_up(x);
  auto out = up == x.nodes.size() ? counted(up, "node") + " up"
                                  : std::to_string(up) + " of "
                                      + counted(x.nodes.size(), "node") + " up";
  auto rooms = x.shards;
  std::erase_if(rooms, [](const auto& s) { return s.name == "directory"; });
  return out + ", " + counted(rooms.size(), "shard") + shown_health(rooms)
         + ", " + counted(x.moves_in_progress, "move");
}

std::string cluster_tables(const cluster_status& x) {
  std::string out;
  for (const auto& what : troubles(x))
    out += "! " + what + '\n';
  for (const auto& what : remarks(x))
    out += "i " + what + '\n';
  out += summary_line(x) + "\n\n";
  std::vector<row> nodes{{"NODE", "STATE", "ADDRESS", "VERSION", "UPTIME",
                          "LEADS", "REPLICAS", "ROUND TRIP"}};
  for (const auto& node : x.nodes)
    nodes.push_back(
      {node.name, or_dash(node.state), or_dash(node.address),
       or_dash(node.version),
       node.uptime_ms && node.is_up() ? shown_time(*node.uptime_ms) : "-",
       std::to_string(node.leaders), std::to_string(node.replicas),
       shown_round_trip(node.is_up() ? node.round_trip_us : 0)});
  append_table(out, nodes);
  out += '\n';
  const auto moving = std::ranges::any_of(
    x.shards, [](const auto& shard) { return !shard.moves.empty(); });
  const auto pinned = std::ranges::any_of(
    x.shards, [](const auto& shard) { return !shard.pinned.empty(); });
  std::vector<row> shards{
    {"SHARD", "LEADER", "TERM", "COMMIT", "APPLIED", "REPLICAS"}};
  if (pinned)
    shards.front().emplace_back("PINNED");
  if (moving)
    shards.front().emplace_back("MOVES");
  for (const auto& shard : x.shards) {
    row line{shard.name,
             or_dash(shard.leader),
             std::to_string(shard.term),
             std::to_string(shard.commit_index),
             std::to_string(shard.applied_index),
             shown_replicas(x, shard)};
    if (pinned)
      line.push_back(or_dash(shard.pinned));
    if (moving)
      line.push_back(shown_moves(shard));
    shards.push_back(std::move(line));
  }
  append_table(out, shards);
  return out;
}

} // namespace callboard
