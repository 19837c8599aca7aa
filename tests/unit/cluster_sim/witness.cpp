#include "tests/unit/cluster_sim/witness.hpp"

#include "actors/model/json.hpp"

#include <functional>
#include <optional>
#include <string_view>

namespace callboard::sim {

namespace {

std::string name_of(const room_key& room, event_seq seq) {
  return room.project.value + " " + std::to_string(seq.value);
}

std::string name_of(shard_id shard) {
  return "shard " + std::to_string(shard.value);
}

std::string id_in(const std::string& frame) {
  auto doc = json::document::parse(frame, {});
  auto id = doc ? doc->root().find("id") : std::nullopt;
  return id ? std::string{id->string()} : std::string{};
}

} // namespace

void witness::broken(std::string what) {
  if (broken_.size() < 20)
    broken_.push_back(std::move(what));
}

void witness::saw(const room_key& room, event_seq seq, const std::string& frame,
                  const std::string& who) {
  auto [at, fresh] = frames_.try_emplace({room, seq}, frame);
  if (!fresh && at->second != frame)
    broken(who + " saw another event at " + name_of(room, seq) + ": " + frame
           + " instead of " + at->second);
}

bool witness::acknowledged(const room_key& room, const std::string& id,
                           event_seq seq) {
  auto [at, fresh] = acknowledged_.try_emplace({room, id}, seq);
  if (!fresh && at->second != seq)
    broken(id + " was acknowledged at " + name_of(room, at->second)
           + " and again at " + std::to_string(seq.value));
  return fresh;
}

void witness::history(const room_key& room,
                      const std::vector<posted_event>& events) {
  std::map<std::string, event_seq> places;
  event_seq expected = events.empty() ? event_seq{1} : events.front().seq;
  const auto first = expected;
  if (first != event_seq{1} && events.size() < kept_)
    broken("of " + room.project.value + " only " + std::to_string(events.size())
           + " events are kept");
  for (auto& event : events) {
    if (event.seq != expected)
      broken("the history of " + room.project.value + " goes from "
             + std::to_string(expected.value - 1) + " to "
             + std::to_string(event.seq.value));
    expected = next(event.seq);
    saw(room, event.seq, *event.frame, "a reader");
    auto id = id_in(*event.frame);
    if (auto [at, fresh] = places.try_emplace(id, event.seq); !fresh)
      broken(id + " was applied twice: " + name_of(room, at->second) + " and "
             + std::to_string(event.seq.value));
  }
  for (auto& [key, seq] : acknowledged_) {
    if (key.first != room || seq < first)
      continue;
    auto at = places.find(key.second);
    if (at == places.end())
      broken("acknowledged and lost: " + key.second + " at "
             + name_of(room, seq));
    else if (at->second != seq)
      broken(key.second + " was acknowledged at " + name_of(room, seq)
             + " and is at " + std::to_string(at->second.value));
  }
}

void witness::leads(shard_id shard, raft_term term, std::uint64_t node) {
  auto [at, fresh] = leaders_.try_emplace({shard, term}, node);
  if (!fresh && at->second != node)
    broken(name_of(shard) + " has two leaders in term "
           + std::to_string(term.value) + ": nodes #"
           + std::to_string(at->second) + " and #" + std::to_string(node));
}

std::uint64_t witness::leader(shard_id shard) const {
  std::uint64_t result = 0;
  for (auto& [at, node] : leaders_) // by shard, then by term
    if (at.first == shard)
      result = node;
  return result;
}

void witness::committed(shard_id shard, const log_entry& entry,
                        std::size_t node) {
  auto& log = committed_[shard];
  decided x{entry.term, std::hash<std::string_view>{}(entry.payload)};
  auto [at, fresh] = log.try_emplace(entry.index, x);
  auto where = name_of(shard) + " of n" + std::to_string(node + 1) + " at "
               + std::to_string(entry.index.value);
  if (!fresh && (at->second.term != x.term || at->second.content != x.content))
    return broken(where + ": term " + std::to_string(x.term.value)
                  + " is committed where term "
                  + std::to_string(at->second.term.value)
                  + " was, or other content");
  if (!fresh)
    return;
  if (at != log.begin() && std::prev(at)->second.term > x.term)
    broken(where + ": what was decided in term " + std::to_string(x.term.value)
           + " is committed behind term "
           + std::to_string(std::prev(at)->second.term.value));
  if (auto behind = std::next(at);
      behind != log.end() && behind->second.term < x.term)
    broken(where + ": term " + std::to_string(x.term.value)
           + " is committed before term "
           + std::to_string(behind->second.term.value));
}

} // namespace callboard::sim
