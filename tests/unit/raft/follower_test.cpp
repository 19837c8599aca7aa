#include "tests/unit/raft/follower.hpp"

#include <random>

namespace callboard {
namespace {

using namespace test;

TEST_F(follower, a_vote_leaves_only_when_it_is_durable) {
  const auto fx = ask_vote(n2, 5);
  ASSERT_TRUE(fx.hard);
  EXPECT_EQ(*fx.hard, (hard_state{{5}, n2}));
  EXPECT_TRUE(fx.now.empty());
  auto waiting = decoded(fx.after_sync);
  ASSERT_EQ(waiting.size(), 1u);
  EXPECT_EQ(waiting[0].type, CRAFT_VOTE_RESULT);
  EXPECT_TRUE(waiting[0].granted);
}

TEST_F(follower, nothing_overtakes_a_vote_that_is_not_durable_yet) {
  const auto vote = ask_vote(n2, 5).after;
  const auto heartbeat = append(5, first, {});
  EXPECT_TRUE(heartbeat.now.empty());
  EXPECT_TRUE(heartbeat.after_sync.empty());
  auto released = decoded(node->durable(vote, now).now);
  ASSERT_EQ(released.size(), 1u);
  EXPECT_EQ(released[0].type, CRAFT_APPEND_RESULT);
  EXPECT_EQ(append(5, first, {}).now.size(), 1u);
}

TEST_F(follower, one_vote_a_term_also_after_a_restart) {
  const auto hard = *ask_vote(n2, 5).hard;
  EXPECT_TRUE(ask_vote(n3, 5).after_sync.empty());
  restored_log found;
  found.hard = hard;
  found.entries.push_back(first);
  begin(std::move(found));
  auto refused = decoded(ask_vote(n3, 5).now);
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_FALSE(refused[0].granted);
  auto again = decoded(ask_vote(n2, 5).now);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_TRUE(again[0].granted);
}

TEST_F(follower, entries_are_acknowledged_only_when_they_are_durable) {
  node->durable(append(2, first, {}).after, now);
  const auto fx = append(2, first, {command(2, 2, "a"), command(3, 2, "b")});
  EXPECT_EQ(fx.append.size(), 2u);
  EXPECT_TRUE(fx.now.empty());
  EXPECT_TRUE(fx.after_sync.empty());
  // A heartbeat meanwhile says no more than what is on the disk.
  auto early = decoded(append(2, command(3, 2, "b"), {}).now);
  ASSERT_EQ(early.size(), 1u);
  EXPECT_EQ(early[0].rejected, 0u);
  EXPECT_EQ(early[0].index, 1u);
  auto done = decoded(node->durable(fx.after, now).now);
  ASSERT_EQ(done.size(), 1u);
  EXPECT_EQ(done[0].type, CRAFT_APPEND_RESULT);
  EXPECT_EQ(done[0].index, 3u);
}

TEST_F(follower, what_is_committed_is_applied_only_when_it_is_durable) {
  node->durable(append(2, first, {}).after, now);
  const auto fx = append(2, first, {command(2, 2, "a")}, 2);
  EXPECT_EQ(node->commit_index(), log_index{2});
  EXPECT_TRUE(fx.apply.empty());
  auto applied = node->durable(fx.after, now).apply;
  ASSERT_EQ(applied.size(), 1u);
  EXPECT_EQ(applied[0].payload, "a");
}

TEST_F(follower, entries_of_a_deposed_leader_are_replaced) {
  node->durable(append(2, first, {}).after, now);
  const auto old = append(2, first, {command(2, 2, "a"), command(3, 2, "b")});
  const auto fx = append(3, command(2, 2, "a"), {command(3, 3, "c")}, 3);
  ASSERT_TRUE(fx.hard);
  ASSERT_TRUE(fx.erase_from);
  EXPECT_EQ(*fx.erase_from, log_index{3});
  EXPECT_EQ(fx.erase_last, log_index{3});
  ASSERT_EQ(fx.append.size(), 1u);
  // Of the first batch only entry 2 still counts.
  auto partly = node->durable(old.after, now).apply;
  ASSERT_EQ(partly.size(), 1u);
  EXPECT_EQ(partly[0].payload, "a");
  auto done = decoded(node->durable(fx.after, now).now);
  ASSERT_FALSE(done.empty());
  EXPECT_EQ(done.back().index, 3u);
  EXPECT_EQ(node->term_at(log_index{3}), raft_term{3});
}

TEST_F(follower, a_configuration_in_the_midst_of_a_message_is_rolled_back) {
  node->durable(append(2, first, {}).after, now);
  const auto change = entry(3, 2, entry_kind::change, encode_members(four));
  auto fx = append(2, first, {command(2, 2, "a"), change, command(4, 2, "b")});
  EXPECT_EQ(fx.append.size(), 3u);
  EXPECT_EQ(node->members(), four);
  node->durable(fx.after, now);
  // The next leader never had it.
  fx = append(3, command(2, 2, "a"), {command(3, 3, "c")});
  EXPECT_EQ(*fx.erase_from, log_index{3});
  EXPECT_EQ(node->members(), three);
  EXPECT_EQ(node->configuration_at(log_index{9}).first, log_index{1});
}

TEST_F(follower, a_committed_configuration_stays) {
  node->durable(append(2, first, {}).after, now);
  const auto change = entry(3, 2, entry_kind::change, encode_members(four));
  auto after
    = append(2, first, {command(2, 2, "a"), change, command(4, 2, "b")}, 4)
        .after;
  EXPECT_EQ(node->durable(after, now).apply.size(), 3u);
  append(3, command(4, 2, "b"), {command(5, 3, "c")});
  EXPECT_EQ(node->members(), four);
}

/// A leader that starts again from the beginning, as far as it knows.
TEST_F(follower, a_message_that_begins_in_the_trimmed_part_changes_nothing) {
  node->durable(append(2, first, {}).after, now);
  std::vector<log_entry> log;
  for (std::uint64_t i = 2; i <= 20; ++i)
    log.push_back(command(i, 2, std::to_string(i)));
  auto after = append(2, first, log, 15).after;
  EXPECT_EQ(node->durable(after, now).apply.size(), 14u);
  node->trim(log_index{11});
  auto from_zero = log;
  from_zero.insert(from_zero.begin(), first);
  from_zero.push_back(command(21, 2, "21"));
  const auto fx = append(2, {}, from_zero, 15);
  EXPECT_FALSE(fx.erase_from);
  ASSERT_EQ(fx.append.size(), 1u);
  EXPECT_EQ(fx.append[0].index, log_index{21});
  auto done = decoded(node->durable(fx.after, now).now);
  ASSERT_EQ(done.size(), 1u);
  EXPECT_EQ(done[0].rejected, 0u);
  EXPECT_EQ(done[0].index, 21u);
  // All of it trimmed: the answer is where we are.
  log.resize(5);
  auto behind = decoded(append(2, first, log, 15).now);
  ASSERT_EQ(behind.size(), 1u);
  EXPECT_EQ(behind[0].rejected, 0u);
  EXPECT_GE(behind[0].index, 6u);
  EXPECT_LE(behind[0].index, 15u);
}

TEST_F(follower, an_offer_of_a_snapshot_is_answered_with_what_is_committed) {
  node->durable(append(2, first, {}).after, now);
  auto after
    = append(2, first, {command(2, 2, "a"), command(3, 2, "b")}, 2).after;
  node->durable(after, now);
  craft_message offer{};
  offer.type = CRAFT_INSTALL;
  offer.term = 2;
  offer.index = 90;
  offer.index_term = 2;
  auto answer = decoded(receive(n2, offer).now);
  ASSERT_EQ(answer.size(), 1u);
  EXPECT_EQ(answer[0].type, CRAFT_APPEND_RESULT);
  EXPECT_EQ(answer[0].rejected, 0u);
  EXPECT_EQ(answer[0].index, 2u);
}

/// With 0.22.1's own answer, two nodes of different terms refuse each other for
/// ever.
TEST_F(follower, a_refused_pre_vote_tells_our_higher_term) {
  node->durable(append(9, first, {command(2, 9, "a")}).after, now);
  now += 5000;
  node->tick(now); // forgets the leader
  auto answers = decoded(ask_vote(n3, 4, 1).now);
  ASSERT_FALSE(answers.empty());
  EXPECT_EQ(answers.back().type, CRAFT_VOTE_RESULT);
  EXPECT_FALSE(answers.back().granted);
  EXPECT_EQ(answers.back().term, 9u);
}

/// Whoever asks with an old term leads no longer, though it may not know.
TEST_F(follower, a_term_check_is_answered_in_that_very_term_only) {
  node->durable(append(5, first, {}).after, now);
  craft_message check{};
  check.type = CRAFT_TERM_CHECK;
  check.index = 77;
  for (auto term : {4u, 6u}) {
    check.term = term;
    EXPECT_TRUE(receive(n2, check).now.empty());
  }
  check.term = 5;
  const auto answer = decoded(receive(n2, check).now);
  ASSERT_EQ(answer.size(), 1u);
  EXPECT_EQ(answer[0].type, CRAFT_TERM_CHECK_RESULT);
  EXPECT_EQ(answer[0].term, 5u);
  EXPECT_EQ(answer[0].index, 77u);
  EXPECT_EQ(node->term(), raft_term{5});
}

/// It was removed, dropped what it had, and is being filled again.
class refilled : public follower {
protected:
  void SetUp() override {
    restored_log found;
    found.hard = {{3}, n2};
    found.dropped = {{3}, {50}};
    found.entries = {first, command(2, 2, "a")};
    begin(std::move(found));
  }

  craft_message vote_for(log_position end, std::uint64_t term,
                         bool pre_vote = false) {
    craft_message head{};
    head.type = CRAFT_VOTE;
    head.term = term;
    head.index = end.index.value;
    head.index_term = end.term.value;
    head.pre_vote = pre_vote;
    const auto fx = receive(n3, head);
    auto answers = decoded(fx.after.value == 0 ? fx.now : fx.after_sync);
    if (fx.after.value != 0)
      node->durable(fx.after, now);
    EXPECT_EQ(answers.size(), 1u);
    return answers.empty() ? craft_message{} : answers.back();
  }

  /// Whether it asked for votes within 10 s.
  bool stands_for_election() {
    for (int i = 0; i < 1000; ++i, now += 10)
      for (auto& x : decoded(node->tick(now).now))
        if (x.type == CRAFT_VOTE)
          return true;
    return false;
  }
};

TEST_F(refilled, votes_for_nobody_who_lacks_what_was_dropped) {
  for (bool pre_vote : {true, false}) {
    auto answer = vote_for({{3}, {49}}, 5, pre_vote);
    EXPECT_FALSE(answer.granted);
    EXPECT_EQ(answer.term, 5u);
  }
  EXPECT_EQ(node->term(), raft_term{5}) << "the term is taken over";
  EXPECT_TRUE(vote_for({{3}, {50}}, 5, true).granted);
  EXPECT_TRUE(vote_for({{3}, {50}}, 5).granted);
  EXPECT_TRUE(vote_for({{4}, {7}}, 6).granted);
  EXPECT_EQ(node->log_end(), (log_position{{3}, {50}}));
}

TEST_F(refilled, is_not_elected_before_it_has_what_was_dropped) {
  EXPECT_FALSE(stands_for_election());
  craft_message now_you{};
  now_you.type = CRAFT_TIMEOUT_NOW;
  now_you.term = 3;
  now_you.index = 2;
  now_you.index_term = 2;
  EXPECT_TRUE(receive(n2, now_you).now.empty());
  node->durable(append(4, command(2, 2, "a"), {command(3, 4, "b")}).after, now);
  EXPECT_EQ(node->log_end(), (log_position{{4}, {3}}));
  EXPECT_TRUE(stands_for_election());
}

// The group's first member, long ago the only one.
TEST_F(refilled, leads_nobody_by_the_members_of_long_ago) {
  const std::vector<group_member> alone{{self, true}};
  restored_log found;
  found.hard = {{3}, n2};
  found.dropped = {{3}, {50}};
  begin(found);
  found.entries = {entry(1, 1, entry_kind::change, encode_members(alone))};
  EXPECT_TRUE(would_lead_without_dropped(found, self));
  EXPECT_FALSE(would_lead_without_dropped(found, n2));
  node->durable(
    append(3, entry(0, 0, entry_kind::command, ""), found.entries).after, now);
  EXPECT_EQ(node->last_index(), log_index{1});
  EXPECT_FALSE(stands_for_election());
  EXPECT_FALSE(node->leading());
  found.dropped = {};
  EXPECT_FALSE(would_lead_without_dropped(found, self));
}

/// 0.22.1 would lead in the old term, which is another node's.
TEST_F(follower, who_is_left_as_the_only_voter_leads_in_a_term_of_its_own) {
  node->durable(append(2, first, {}).after, now);
  const std::vector<group_member> alone{{self, true}, {n2, false}};
  const auto change = entry(2, 2, entry_kind::change, encode_members(alone));
  node->durable(append(2, first, {change}, 2).after, now);
  const auto fx = node->tick(now += 5000);
  EXPECT_TRUE(node->leading());
  ASSERT_TRUE(fx.hard);
  EXPECT_EQ(*fx.hard, (hard_state{{3}, self}));
  EXPECT_EQ(node->term(), raft_term{3});
}

TEST_F(follower, messages_of_other_groups_and_from_itself_are_dropped) {
  craft_message head{};
  head.type = CRAFT_VOTE;
  head.term = 5;
  EXPECT_FALSE(
    node->receive(n2, encode_message(played_group + 1, head, {}), now).hard);
  EXPECT_FALSE(
    node->receive(self, encode_message(played_group, head, {}), now).hard);
  EXPECT_FALSE(
    node->receive({}, encode_message(played_group, head, {}), now).hard);
  EXPECT_EQ(node->term(), raft_term{1});
}

/// The library checks almost nothing; whatever comes, we must.
TEST_F(follower, survives_any_message) {
  std::mt19937_64 random{7};
  auto number = [&](std::uint64_t below) { return random() % below; };
  for (int i = 0; i < 20'000; ++i) {
    craft_message head{};
    head.type = static_cast<unsigned>(number(8));
    head.term = number(30);
    head.index = number(40);
    head.index_term = number(10);
    head.commit = number(40);
    head.rejected = number(40);
    head.granted = number(2) != 0;
    head.pre_vote = number(2) != 0;
    head.disrupt_leader = number(2) != 0;
    std::vector<log_entry> entries;
    if (head.type == CRAFT_APPEND)
      for (auto n = number(5); n > 0; --n)
        entries.push_back(entry(0, number(30),
                                static_cast<entry_kind>(number(4)),
                                number(2) != 0 ? encode_members(three)
                                               : std::string(number(9), 'x')));
    auto bytes = encode_message(played_group, head, entries);
    if (number(4) == 0)
      bytes[number(bytes.size())] = static_cast<char>(random());
    const auto after
      = node->receive(number(2) != 0 ? n2 : n3, bytes, ++now).after;
    if (number(3) != 0)
      node->durable(after, now);
    if (number(50) == 0)
      node->tick(now += 700);
    if (number(20) == 0)
      node->trim(log_index{number(40)});
  }
}

} // namespace
} // namespace callboard
