#include "storage/raft/message.hpp"

#include "tests/unit/raft/scenario.hpp"

namespace callboard {
namespace {

using namespace test;

TEST_F(scenario, a_leader_is_elected_and_followers_apply_what_it_commits) {
  const auto leader = settle();
  ASSERT_NE(leader, 0u);
  for (int i = 0; i < 100; ++i)
    EXPECT_TRUE(sim.propose(leader));
  auto all = [this] {
    return sim.commands_committed() == 100 && sim.applied(1) == sim.applied(2)
           && sim.applied(2) == sim.applied(3);
  };
  EXPECT_TRUE(sim.run_until(all, 2 * s)) << sim.describe();
}

TEST_F(scenario, a_leader_without_a_majority_commits_nothing_and_steps_down) {
  const auto leader = settle();
  sim.isolate(leader);
  const auto before = sim.commands_committed();
  EXPECT_TRUE(sim.propose(leader));
  auto deposed = [&] { return !sim.replica(leader).leading(); };
  EXPECT_TRUE(sim.run_until(deposed, 5 * s));
  EXPECT_EQ(sim.commands_committed(), before);
  EXPECT_FALSE(sim.propose(leader));
  auto other = [&] { return sim.leader() != 0 && sim.leader() != leader; };
  EXPECT_TRUE(sim.run_until(other, 5 * s));
}

TEST_F(scenario, an_isolated_node_does_not_disturb_when_it_comes_back) {
  const auto leader = settle();
  const auto term = sim.replica(leader).term();
  const auto lonely = leader % 3 + 1;
  sim.isolate(lonely);
  sim.run_for(10 * s);
  sim.heal();
  sim.run_for(3 * s);
  EXPECT_EQ(sim.leader(), leader);
  EXPECT_EQ(sim.replica(lonely).term(), term); // pre-vote
}

TEST_F(scenario, a_leader_with_a_slow_disk_commits_by_its_followers) {
  const auto leader = settle();
  sim.slow_disk(leader, 200); // still within the election time-out
  EXPECT_TRUE(sim.propose(leader));
  const auto index = sim.replica(leader).last_index();
  auto committed = [&] { return sim.replica(leader).commit_index() >= index; };
  EXPECT_TRUE(sim.run_until(committed, 50 * ms)) << sim.describe();
  // But it applies only what it could restart from.
  EXPECT_LT(sim.applied(leader), index);
  auto applied = [&] { return sim.applied(leader) >= index; };
  EXPECT_TRUE(sim.run_until(applied, 2 * s));
}

TEST_F(scenario, a_follower_that_is_far_behind_gets_small_messages) {
  const auto leader = settle();
  const auto behind = leader % 3 + 1;
  sim.crash(behind);
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(sim.propose(leader, std::string(900'000, 'x')));
  std::size_t largest = 0;
  sim.filter = [&](std::uint64_t, std::uint64_t, std::string& bytes) {
    largest = std::max(largest, bytes.size());
    return true;
  };
  sim.run_for(1 * s);
  largest = 0;
  sim.restart(behind);
  auto caught_up = [&] {
    return sim.up(behind)
           && sim.applied(behind) == sim.replica(leader).last_index();
  };
  EXPECT_TRUE(sim.run_until(caught_up, 5 * s)) << sim.describe();
  EXPECT_GT(largest, 900'000u);
  EXPECT_LT(largest, 2'000'000u);
}

/// Figure 8 of the Raft paper: an entry of an old term that is on a majority is
/// not committed by that; a later leader may replace it.
TEST_F(scenario, an_entry_of_an_old_term_is_not_committed_by_counting) {
  const auto a = settle();
  EXPECT_TRUE(sim.propose(a));
  sim.run_for(500 * ms);
  auto b = a % 3 + 1;
  auto c = b % 3 + 1;
  // A alone has X.
  sim.isolate(a);
  EXPECT_TRUE(sim.propose(a));
  sim.run_for(20 * ms);
  sim.crash(a);
  ASSERT_TRUE(sim.run_until([&] { return sim.leader() != 0; }, 5 * s));
  if (sim.leader() == c)
    std::swap(b, c);
  // B leads, and alone has Y.
  sim.cut(b, c);
  EXPECT_TRUE(sim.propose(b));
  sim.run_for(20 * ms);
  sim.crash(b);
  // A leads again and brings X to C, but nothing of its new term.
  sim.heal();
  sim.cut(a, b);
  sim.cut(b, c);
  sim.restart(a);
  sim.filter = [&](std::uint64_t from, std::uint64_t, std::string& bytes) {
    auto x = decode_message(group, {from}, bytes);
    if (!x || x->head.type != CRAFT_APPEND || from != a)
      return true;
    auto old = x->entries;
    std::erase_if(
      old, [&](const log_entry& e) { return e.term.value == x->head.term; });
    if (old.size() != x->entries.size())
      bytes = encode_message(group, x->head, old);
    return true;
  };
  const auto before = sim.commands_committed();
  sim.run_for(3 * s);
  EXPECT_EQ(sim.leader(), a);
  // X is on the disks of A and C now, and not committed.
  const auto x_index = sim.applied(a).value + 1;
  EXPECT_TRUE(sim.disk(a).log.contains(x_index));
  EXPECT_TRUE(sim.disk(c).log.contains(x_index));
  EXPECT_EQ(sim.commands_committed(), before);
  // B comes back with Y of a higher term and wins with C.
  sim.filter = nullptr;
  sim.crash(a);
  sim.heal();
  sim.isolate(a);
  sim.restart(b);
  ASSERT_TRUE(sim.run_until([&] { return sim.leader() != 0; }, 10 * s));
  EXPECT_TRUE(sim.propose(sim.leader()));
  sim.run_for(2 * s);
  EXPECT_GT(sim.commands_committed(), before);
}

} // namespace
} // namespace callboard
