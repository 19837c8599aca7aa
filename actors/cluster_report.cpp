#include "actors/cluster_report.hpp"

#include "actors/model/json_members.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace callboard {

namespace {

using json::number_of;
using json::text_of;

/// One node's report, parsed; the shards by their number.
struct report {
  json::document doc;
  std::map<std::uint64_t, json::value> shards;
};

class document_writer {
public:
  document_writer(const cluster_map& map,
                  const std::vector<node_report_text>& texts,
                  const std::vector<peer_figures>& links)
      : map_{map}, links_{links} {
    for (auto& text : texts) {
      auto parsed = json::document::parse(text.json);
      if (!parsed || !parsed->root().is(json::kind::object))
        continue;
      auto& place = reports_[number_of(parsed->root(), "number")];
      place.doc = std::move(*parsed);
      if (auto shards = place.doc.root().find("shards");
          shards && shards->is(json::kind::array))
        for (auto shard : shards->items())
          place.shards.emplace(number_of(shard, "shard"), shard);
    }
  }

  std::string write() {
    out_ = "{\"cluster\":";
    json::append_quoted(out_, map_.cluster);
    number("version", map_.version);
    // Shards first: they know who leads.
    std::string shards;
    for (std::size_t i = 0; i <= map_.shards.size(); ++i) {
      auto id = i < map_.shards.size() ? shard_id{i} : directory_shard;
      if (i > 0)
        shards += ',';
      shards += shard(id);
    }
    nodes();
    out_ += ",\"shards\":[" + shards + ']';
    number("moves_in_progress", moves_);
    out_ += ",\"alarms\":[";
    for (std::size_t i = 0; i < alarms_.size(); ++i) {
      if (i > 0)
        out_ += ',';
      json::append_quoted(out_, alarms_[i]);
    }
    return std::move(out_) + "]}";
  }

private:
  void number(std::string_view key, std::uint64_t value) {
    (out_ += ",\"").append(key) += "\":";
    json::append_number(out_, value);
  }

  std::string name_of(std::uint64_t node) const {
    auto found = map_.find(node_number{node});
    return found ? found->name : '#' + std::to_string(node);
  }

  const json::value* of(std::uint64_t node, shard_id shard) const {
    auto at = reports_.find(node);
    if (at == reports_.end())
      return nullptr;
    auto found = at->second.shards.find(shard.value);
    return found == at->second.shards.end() ? nullptr : &found->second;
  }

  /// Who leads, of those that say so, in the highest term.
  std::optional<std::uint64_t> leader_of(shard_id shard) const {
    std::optional<std::uint64_t> best;
    std::uint64_t best_term = 0;
    for (auto& [node, x] : reports_) {
      auto said = of(node, shard);
      if (!said || text_of(*said, "role") != "leader")
        continue;
      auto term = number_of(*said, "term");
      if (best && term <= best_term)
        continue;
      best = node;
      best_term = term;
    }
    return best;
  }

  std::string shard(shard_id id) {
    auto leader = leader_of(id);
    auto said = leader ? of(*leader, id) : nullptr;
    auto figure
      = [&](std::string& out, std::string_view key, std::uint64_t value) {
          (out += ",\"").append(key) += "\":";
          json::append_number(out, value);
        };
    std::string out = "{\"shard\":";
    json::append_number(out, id.value);
    if (id == directory_shard)
      out += ",\"name\":\"directory\"";
    out += ",\"leader\":";
    json::append_quoted(out, leader ? name_of(*leader) : std::string{});
    figure(out, "term", said ? number_of(*said, "term") : 0);
    auto last = said ? number_of(*said, "last_index") : 0;
    figure(out, "commit_index", said ? number_of(*said, "commit_index") : 0);
    figure(out, "applied_index", said ? number_of(*said, "applied_index") : 0);
    out += ",\"replicas\":[";
    auto separator = "";
    if (auto members = said ? said->find("members") : std::nullopt)
      for (auto member : members->items()) {
        auto node = number_of(member, "node");
        auto match = node == *leader ? last : number_of(member, "match");
        auto own = of(node, id);
        out += std::exchange(separator, ",");
        out += "{\"node\":";
        json::append_quoted(out, name_of(node));
        auto voter = member.find("voter");
        out += ",\"voter\":";
        out += voter ? voter->raw() : "false";
        figure(out, "match", match);
        figure(out, "lag", last - std::min(last, match));
        if (auto silent = member.find("silent_ms"))
          (out += ",\"silent_ms\":").append(silent->raw());
        figure(out, "applied_index",
               own ? number_of(*own, "applied_index") : 0);
        if (auto digest = member.find("digest"))
          (out += ",\"digest\":").append(digest->raw());
        if (member.find("digest"))
          figure(out, "digest_index", number_of(member, "digest_index"));
        out += '}';
        ++replicas_[node];
      }
    if (leader)
      ++leaders_[*leader];
    else
      alarms_.push_back("shard " + std::to_string(id.value)
                        + " has no leader that answers");
    out += "],\"wanted\":[";
    separator = "";
    if (auto wanted = map_.of(id))
      for (auto node : wanted->replicas) {
        out += std::exchange(separator, ",");
        json::append_quoted(out, name_of(node.value));
      }
    out += "],\"pinned\":";
    auto placed = map_.of(id);
    if (placed && placed->pinned != node_number{})
      json::append_quoted(out, name_of(placed->pinned.value));
    else
      out += "null";
    auto move = said ? text_of(*said, "move") : std::string{};
    out += ",\"moves\":[";
    if (!move.empty()) {
      json::append_quoted(out, move);
      ++moves_;
    }
    out += ']';
    taken(out, id);
    if (said)
      compare(*said, id);
    return out + '}';
  }

  static std::string named(shard_id id) {
    return id == directory_shard ? "the directory"
                                 : "shard " + std::to_string(id.value);
  }

  /// Replicas that hold something else than others.
  void compare(json::value said, shard_id id) {
    std::map<std::uint64_t, std::set<std::string>> digests; // by their index
    if (auto members = said.find("members"))
      for (auto member : members->items())
        if (auto digest = text_of(member, "digest"); !digest.empty())
          digests[number_of(member, "digest_index")].insert(digest);
    auto differ = std::ranges::any_of(
      digests, [](auto& x) { return x.second.size() > 1; });
    std::vector<std::string> names;
    if (auto outliers = said.find("outliers"))
      for (auto node : outliers->items())
        if (auto number = node.integer())
          names.push_back(name_of(static_cast<std::uint64_t>(*number)));
    for (auto& name : names)
      alarms_.push_back("what " + name + " holds of " + named(id)
                        + " differs from what most hold: it is taken out");
    if (differ && names.empty())
      alarms_.push_back("replicas of " + named(id)
                        + " hold different states, and no majority agrees: "
                          "none is taken out by itself");
  }

  /// What was taken out of a group, and what became of it.
  void taken(std::string& out, shard_id id) {
    auto group = map_.of(id);
    auto lacks = group->replicas.size() < map_.wanted();
    out += ",\"taken_out\":[";
    auto separator = "";
    for (auto& x : map_.taken) {
      if (x.shard != id)
        continue;
      auto back
        = std::ranges::find(group->replicas, x.node) != group->replicas.end();
      auto state = back       ? "back"
                   : !x.empty ? "dropping"
                   : lacks    ? "out"
                              : "replaced";
      out += std::exchange(separator, ",");
      out += "{\"node\":";
      json::append_quoted(out, name_of(x.node.value));
      out += ",\"out_ms\":";
      json::append_number(out, x.out_ms);
      out += ",\"back_ms\":";
      json::append_number(out, x.back_ms);
      out += ",\"state\":";
      json::append_quoted(out, state);
      out += '}';
      if (lacks && !back)
        alarms_.push_back(
          "the replica of " + named(id) + " on " + name_of(x.node.value)
          + " differed and was taken out"
          + (x.empty ? "; it was made anew before, within "
                       "cluster.rebuild_interval: look after the node, then "
                       "`callboard admin rebalance`"
                     : ": it is dropped, to be made anew"));
    }
    out += ']';
  }

  void nodes() {
    out_ += ",\"nodes\":[";
    auto separator = "";
    for (auto& node : map_.nodes) {
      auto at = reports_.find(node.number.value);
      auto up = at != reports_.end();
      out_ += std::exchange(separator, ",");
      out_ += "{\"name\":";
      json::append_quoted(out_, node.name);
      number("number", node.number.value);
      out_ += ",\"state\":";
      out_ += !up ? "\"down\"" : node.leaving ? "\"leaving\"" : "\"up\"";
      if (!up)
        alarms_.push_back("node " + node.name + " is down");
      out_ += ",\"address\":";
      json::append_quoted(out_, node.address);
      out_ += ",\"version\":";
      json::append_quoted(out_,
                          up ? text_of(at->second.doc.root(), "program") : "");
      number("uptime_ms",
             up ? number_of(at->second.doc.root(), "uptime_ms") : 0);
      auto full = up ? at->second.doc.root().find("disk_full") : std::nullopt;
      auto is_full = full && full->boolean().value_or(false);
      out_ += is_full ? ",\"disk_full\":true" : ",\"disk_full\":false";
      if (is_full)
        alarms_.push_back("the disk of node " + node.name
                          + " is full: it writes and leads nothing until "
                            "there is room");
      number("leaders", leaders_[node.number.value]);
      number("replicas", replicas_[node.number.value]);
      auto link = std::ranges::find(links_, node.name, &peer_figures::name);
      number("round_trip_us", link == links_.end() ? 0 : link->round_trip_us);
      out_ += '}';
    }
    out_ += ']';
  }

  const cluster_map& map_;
  const std::vector<peer_figures>& links_;
  std::map<std::uint64_t, report> reports_;
  std::map<std::uint64_t, std::uint64_t> leaders_, replicas_;
  std::vector<std::string> alarms_;
  std::uint64_t moves_ = 0;
  std::string out_;
};

} // namespace

std::string cluster_document(const cluster_map& map,
                             const std::vector<node_report_text>& reports,
                             const std::vector<peer_figures>& links) {
  return document_writer{map, reports, links}.write();
}

} // namespace callboard
