#include "storage/raft/read_barrier.hpp"

#include <algorithm>

namespace callboard {

read_ticket read_barrier::ask() {
  last_ticket_ = next(last_ticket_);
  asked_.push_back(last_ticket_);
  return last_ticket_;
}

bool read_barrier::begin(log_index commit, std::uint64_t now_ms) {
  if (asked_.empty() || !in_round_.empty())
    return false;
  in_round_.swap(asked_);
  answered_.clear();
  round_commit_ = commit;
  sent_ms_ = now_ms;
  ++round_;
  return true;
}

void read_barrier::answer(node_number from, std::uint64_t round) {
  if (round == round_
      && std::find(answered_.begin(), answered_.end(), from) == answered_.end())
    answered_.push_back(from);
}

std::vector<read_outcome>
read_barrier::settle(node_number self, std::span<const group_member> members) {
  std::size_t voters = 0;
  std::size_t yes = 0;
  for (const auto& x : members) {
    if (!x.voter)
      continue;
    ++voters;
    yes += x.node == self
           || std::find(answered_.begin(), answered_.end(), x.node)
                != answered_.end();
  }
  std::vector<read_outcome> result;
  if (yes <= voters / 2)
    return result;
  for (auto x : in_round_)
    result.push_back({x, round_commit_});
  in_round_.clear();
  return result;
}

bool read_barrier::overdue(std::uint64_t now_ms, std::uint64_t patience_ms) {
  if (in_round_.empty() || now_ms - sent_ms_ < patience_ms)
    return false;
  sent_ms_ = now_ms;
  return true;
}

std::vector<read_outcome> read_barrier::abandon() {
  std::vector<read_outcome> result;
  for (const auto* list : {&in_round_, &asked_})
    for (auto x : *list)
      result.push_back({x, std::nullopt});
  in_round_.clear();
  asked_.clear();
  ++round_; // late answers are not for the next one
  return result;
}

} // namespace callboard
