#include "actors/model/cluster_map.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

namespace callboard {
namespace {

using what = group_step::what;

member_state voter(std::uint64_t node) {
  return {{node}};
}

member_state lost(std::uint64_t node) {
  return {{node}, true, false, false};
}

member_state learner(std::uint64_t node, bool caught_up) {
  return {{node}, false, true, caught_up};
}

placement wanted(std::vector<std::uint64_t> nodes, std::uint64_t pinned = 0) {
  placement out;
  for (auto node : nodes)
    out.replicas.push_back({node});
  out.pinned = {pinned};
  return out;
}

group_step next(std::uint64_t self, std::vector<member_state> members,
                const placement& want) {
  return next_step({self}, members, want);
}

group_step step(what action, std::uint64_t node) {
  return {action, {node}};
}

TEST(group_step, a_group_that_is_as_wanted_is_left_alone) {
  EXPECT_EQ(next(1, {voter(1), voter(2), voter(3)}, wanted({1, 2, 3})),
            group_step{});
}

TEST(group_step, a_replica_moves_by_add_promote_and_remove) {
  auto want = wanted({1, 2, 4});
  EXPECT_EQ(next(1, {voter(1), voter(2), voter(3)}, want), step(what::add, 4));
  EXPECT_EQ(next(1, {voter(1), voter(2), voter(3), learner(4, false)}, want),
            group_step{});
  EXPECT_EQ(next(1, {voter(1), voter(2), voter(3), learner(4, true)}, want),
            step(what::promote, 4));
  EXPECT_EQ(next(1, {voter(1), voter(2), voter(3), voter(4)}, want),
            step(what::remove, 3));
}

TEST(group_step, a_leader_that_is_not_wanted_hands_over_before_it_goes) {
  auto want = wanted({4, 2, 1});
  std::vector<member_state> members{voter(1), voter(2), voter(3), voter(4)};
  EXPECT_EQ(next(3, members, want), step(what::hand_over, 4));
  members[3].caught_up = false;
  EXPECT_EQ(next(3, members, want), step(what::hand_over, 2));
  EXPECT_EQ(next(2, {voter(1), voter(2), voter(3), voter(4)}, want),
            step(what::remove, 3));
}

TEST(group_step, a_lost_member_that_is_not_wanted_goes_before_anything_else) {
  auto want = wanted({1, 2, 4});
  EXPECT_EQ(next(1, {voter(1), voter(2), lost(3), learner(4, true)}, want),
            step(what::remove, 3));
}

TEST(group_step, a_lost_member_that_is_wanted_leaves_no_change_of_members) {
  auto want = wanted({1, 2, 4});
  EXPECT_EQ(next(1, {voter(1), lost(2), voter(3)}, want), group_step{});
  EXPECT_EQ(next(1, {voter(1), lost(2), voter(3), learner(4, true)}, want),
            group_step{});
  // But the leadership may move.
  EXPECT_EQ(next(3, {voter(1), lost(2), voter(3)}, want),
            step(what::hand_over, 1));
}

TEST(group_step, nothing_is_done_without_a_majority) {
  auto want = wanted({1, 2});
  EXPECT_EQ(next(1, {voter(1), lost(2), lost(3)}, want), group_step{});
  EXPECT_EQ(next(1, {voter(1), lost(3)}, want), group_step{});
}

TEST(group_step, who_should_lead_is_given_the_lead_only_when_it_can_take_it) {
  auto want = wanted({2, 1, 3});
  EXPECT_EQ(next(1, {voter(1), voter(2), voter(3)}, want),
            step(what::hand_over, 2));
  EXPECT_EQ(next(1, {voter(1), lost(2), voter(3)}, want), group_step{});
  auto slow = voter(2);
  slow.caught_up = false;
  EXPECT_EQ(next(1, {voter(1), slow, voter(3)}, want), group_step{});
  // A pin goes before the order, also when the pinned node is down.
  auto pinned = wanted({2, 1, 3}, 3);
  EXPECT_EQ(next(1, {voter(1), voter(2), voter(3)}, pinned),
            step(what::hand_over, 3));
  EXPECT_EQ(next(2, {voter(1), voter(2), lost(3)}, pinned), group_step{});
}

TEST(group_step, an_empty_wish_changes_nothing) {
  EXPECT_EQ(next(1, {voter(1), voter(2)}, {}), group_step{});
}

/// A group and its nodes: what a consensus would refuse is refused.
struct simulated_group {
  std::map<node_number, bool> members; // voter?
  std::set<node_number> down;
  std::map<node_number, int> behind; // steps until caught up
  node_number leader;
  std::mt19937 random;

  bool up(node_number x) const {
    return !down.contains(x);
  }

  std::size_t voters() const {
    return static_cast<std::size_t>(
      std::ranges::count_if(members, [](auto& x) { return x.second; }));
  }

  std::size_t healthy() const {
    return static_cast<std::size_t>(std::ranges::count_if(
      members, [this](auto& x) { return x.second && up(x.first); }));
  }

  bool works() const {
    return healthy() > voters() / 2;
  }

  void elect() {
    if (leader != node_number{} && up(leader) && members.contains(leader)
        && members[leader])
      return;
    leader = {};
    std::vector<node_number> able;
    for (auto [node, votes] : members)
      if (votes && up(node))
        able.push_back(node);
    if (works())
      leader = able[random() % able.size()];
  }

  std::vector<member_state> seen() {
    std::vector<member_state> out;
    for (auto [node, votes] : members)
      out.push_back({node, votes, up(node), up(node) && behind[node] == 0});
    return out;
  }

  void pass_time() {
    for (auto& [node, steps] : behind)
      if (steps > 0 && up(node))
        --steps;
  }

  bool may_change(node_number except) {
    return std::ranges::all_of(members, [&](auto& x) {
      return !x.second || x.first == except
             || (up(x.first) && behind[x.first] == 0);
    });
  }

  void carry_out(group_step x) {
    switch (x.action) {
    case what::nothing:
      return;
    case what::add:
      ASSERT_FALSE(members.contains(x.node));
      if (may_change({})) {
        members[x.node] = false;
        behind[x.node] = 1 + static_cast<int>(random() % 5);
      }
      return;
    case what::promote:
      ASSERT_TRUE(up(x.node) && members.contains(x.node) && !members[x.node]);
      ASSERT_EQ(behind[x.node], 0);
      if (may_change({}))
        members[x.node] = true;
      return;
    case what::demote:
      FAIL() << "nobody is demoted";
    case what::remove:
      ASSERT_NE(x.node, leader);
      ASSERT_TRUE(members.contains(x.node));
      if (may_change(x.node))
        members.erase(x.node);
      return;
    case what::hand_over:
      ASSERT_TRUE(up(x.node) && members.contains(x.node) && members[x.node]);
      ASSERT_NE(x.node, leader);
      leader = x.node;
      return;
    }
  }
};

std::vector<node_number> some_nodes(std::mt19937& random, std::size_t count) {
  std::vector<node_number> all;
  for (std::uint64_t i = 1; i <= 8; ++i)
    all.push_back({i});
  std::ranges::shuffle(all, random);
  all.resize(count);
  return all;
}

TEST(group_step, every_group_gets_to_where_it_is_wanted) {
  std::size_t hand_overs = 0, with_loss = 0;
  for (unsigned seed = 1; seed <= 20'000; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random{seed};
    simulated_group group;
    group.random = random;
    auto begin = some_nodes(random, 1 + random() % 5);
    placement want;
    want.replicas = some_nodes(random, 1 + random() % 5);
    if (random() % 3 == 0)
      want.pinned = want.replicas[random() % want.replicas.size()];
    for (auto node : begin)
      group.members[node] = true;
    // A minority of those that nobody wants may be lost.
    for (auto node : begin)
      if (random() % 3 == 0 && std::ranges::count(want.replicas, node) == 0) {
        group.down.insert(node);
        if (!group.works() || group.down.size() > 1)
          group.down.erase(node);
      }
    with_loss += !group.down.empty();
    auto least = std::min(group.healthy(), want.replicas.size());
    int idle = 0, over = 0, steps = 0;
    for (; steps < 200 && idle < 8; ++steps) {
      group.elect();
      ASSERT_NE(group.leader, node_number{});
      auto x = next_step(group.leader, group.seen(), want);
      group.carry_out(x);
      over += x.action == what::hand_over;
      idle = x.action == what::nothing ? idle + 1 : 0;
      ASSERT_TRUE(group.works());
      ASSERT_GE(group.healthy(), least);
      ASSERT_LE(group.voters(),
                std::max(begin.size(), want.replicas.size() + 1));
      group.pass_time();
    }
    EXPECT_LT(steps, 60);
    EXPECT_LE(over, 2);
    hand_overs += static_cast<std::size_t>(over);
    std::set<node_number> now, wish{want.replicas.begin(), want.replicas.end()};
    for (auto [node, votes] : group.members) {
      EXPECT_TRUE(votes);
      now.insert(node);
    }
    EXPECT_EQ(now, wish);
    EXPECT_EQ(group.leader, want.pinned != node_number{}
                              ? want.pinned
                              : want.replicas.front());
  }
  EXPECT_GT(hand_overs, 1000u);
  EXPECT_GT(with_loss, 1000u);
}

TEST(group_step, nodes_that_come_and_go_never_cost_a_group_its_majority) {
  for (unsigned seed = 1; seed <= 5'000; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random{seed};
    simulated_group group;
    group.random = random;
    for (auto node : some_nodes(random, 1 + random() % 5))
      group.members[node] = true;
    placement want;
    for (int step = 0; step < 120; ++step) {
      if (step % 30 == 0)
        want.replicas = some_nodes(random, 1 + random() % 5);
      if (random() % 6 == 0 && step < 90) { // any node at all
        node_number node{1 + random() % 8};
        if (!group.down.erase(node))
          group.down.insert(node);
      }
      if (step == 90)
        group.down.clear();
      group.elect();
      if (group.leader == node_number{})
        continue;
      auto worked = group.works();
      group.carry_out(next_step(group.leader, group.seen(), want));
      ASSERT_TRUE(!worked || group.works());
      group.pass_time();
    }
    for (int step = 0; step < 60; ++step) {
      group.elect();
      group.carry_out(next_step(group.leader, group.seen(), want));
      group.pass_time();
    }
    std::set<node_number> now, wish{want.replicas.begin(), want.replicas.end()};
    for (auto [node, votes] : group.members)
      now.insert(node);
    EXPECT_EQ(now, wish);
    EXPECT_EQ(group.leader, want.replicas.front());
  }
}

} // namespace
} // namespace callboard
