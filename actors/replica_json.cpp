#include "actors/model/json.hpp"
#include "actors/shard_raft.hpp"

#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

namespace callboard {

namespace {

void figure(std::string& out, std::string_view key, std::uint64_t value) {
  (out += ",\"").append(key) += "\":";
  json::append_number(out, value);
}

std::string_view role_of(const shard_raft& x) {
  if (!x.started())
    return "none";
  if (x.ready())
    return "leader";
  for (auto& member : x.raft().members())
    if (member.node == x.raft_self())
      return member.voter ? "follower" : "learner";
  return "learner";
}

void append_member(std::string& out, const shard_raft& x,
                   const group_member& member,
                   const member_progress* progress) {
  out += "{\"node\":";
  json::append_number(out, member.node.value);
  out += ",\"voter\":";
  out += member.voter ? "true" : "false";
  if (progress) {
    figure(out, "match", progress->match.value);
    if (progress->silent_ms)
      figure(out, "silent_ms", *progress->silent_ms);
  }
  if (auto at = x.digests().find(member.node); at != x.digests().end()) {
    std::array<char, 20> hex{};
    std::snprintf(hex.data(), hex.size(), "%016llx",
                  static_cast<unsigned long long>(at->second.digest));
    out += ",\"digest\":";
    json::append_quoted(out, hex.data());
    figure(out, "digest_index", at->second.applied.value);
  }
  out += '}';
}

} // namespace

std::string replica_json(const shard_raft& x, shard_id shard, bool open) {
  std::string out = "{\"shard\":";
  json::append_number(out, shard.value);
  out += ",\"role\":";
  json::append_quoted(out, role_of(x));
  if (x.started()) {
    auto& raft = x.raft();
    figure(out, "term", raft.term().value);
    figure(out, "commit_index", raft.commit_index().value);
    figure(out, "last_index", raft.last_index().value);
    figure(out, "rebuilds", raft.rebuilds());
    out += ",\"members\":[";
    auto progress = raft.progress();
    auto first = true;
    for (auto& member : raft.members()) {
      const member_progress* at = nullptr;
      for (auto& y : progress)
        if (y.member.node == member.node)
          at = &y;
      if (!first)
        out += ',';
      first = false;
      append_member(out, x, member, at);
    }
    out += ']';
  }
  figure(out, "applied_index", x.applied().value);
  auto& sums = x.sums();
  figure(out, "leadership_changes", sums.leadership_changes);
  figure(out, "states_sent", sums.states_sent);
  figure(out, "states_received", sums.states_received);
  figure(out, "digests_compared", sums.digests_compared);
  figure(out, "digest_mismatches", sums.digest_mismatches);
  out += ",\"outliers\":[";
  auto separator = "";
  for (auto& [node, seen] : x.outliers()) {
    out += std::exchange(separator, ",");
    json::append_number(out, node.value);
  }
  out += ']';
  out += ",\"move\":";
  json::append_quoted(out, x.move());
  if (!open)
    out += '}';
  return out;
}

} // namespace callboard
