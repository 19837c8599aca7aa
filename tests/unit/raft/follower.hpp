#pragma once

#include "storage/raft/configuration.hpp"
#include "storage/raft/consensus.hpp"
#include "storage/raft/message.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace callboard::test {

inline constexpr std::uint32_t played_group = 7; // as the simulation has it

inline constexpr node_number self{1};
inline constexpr node_number n2{2};
inline constexpr node_number n3{3};
inline const std::vector<group_member> three{
  {self, true}, {n2, true}, {n3, true}};
inline const std::vector<group_member> four{
  {self, true}, {n2, true}, {n3, true}, {node_number{4}, true}};

inline std::vector<craft_message>
decoded(const std::vector<raft_message_out>& xs) {
  std::vector<craft_message> result;
  for (const auto& x : xs) {
    auto message = decode_message(played_group, self, x.bytes);
    EXPECT_TRUE(message);
    if (message)
      result.push_back(message->head);
  }
  return result;
}

inline log_entry entry(std::uint64_t index, std::uint64_t term, entry_kind kind,
                       std::string payload) {
  auto block = std::make_shared<const std::string>(std::move(payload));
  return {{index}, {term}, kind, *block, block};
}

inline log_entry command(std::uint64_t index, std::uint64_t term,
                         std::string text) {
  return entry(index, term, entry_kind::command, std::move(text));
}

/// Node 1 of three, to which the test plays the others.
class follower : public ::testing::Test {
protected:
  void SetUp() override {
    begin({});
  }

  void begin(restored_log found) {
    node = make_raft_consensus({.self = self, .group = played_group});
    ticket after = node->start(std::move(found), three, now).after;
    if (after.value != 0)
      node->durable(after, now);
  }

  const effects& receive(node_number from, craft_message head,
                         const std::vector<log_entry>& entries = {}) {
    head.n_entries = static_cast<unsigned>(entries.size());
    return node->receive(from, encode_message(played_group, head, entries),
                         now);
  }

  /// An append of the leader of `term` behind entry `before`.
  const effects& append(std::uint64_t term, log_entry before,
                        const std::vector<log_entry>& entries,
                        std::uint64_t commit = 0) {
    craft_message head{};
    head.type = CRAFT_APPEND;
    head.term = term;
    head.index = before.index.value;
    head.index_term = before.term.value;
    head.commit = commit;
    return receive(n2, head, entries);
  }

  const effects& ask_vote(node_number from, std::uint64_t term,
                          unsigned char pre_vote = 0) {
    craft_message head{};
    head.type = CRAFT_VOTE;
    head.term = term;
    head.index = 1;
    head.index_term = 1;
    head.pre_vote = pre_vote;
    return receive(from, head);
  }

  std::uint64_t now = 1000;
  std::unique_ptr<consensus> node;
  const log_entry first
    = entry(1, 1, entry_kind::change, encode_members(three));
};

} // namespace callboard::test
