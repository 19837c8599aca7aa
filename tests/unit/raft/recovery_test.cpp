#include "storage/raft/message.hpp"
#include "storage/raft/progress_watch.hpp"

#include "tests/unit/raft/scenario.hpp"

/// Groups that do not move, and clocks that do.
namespace callboard {
namespace {

using namespace test;

constexpr progress_watch::view leaderless{.could_move = true};
constexpr progress_watch::view idle{.could_move = true, .has_leader = true};
constexpr progress_watch::view at_work{
  .could_move = true, .has_leader = true, .has_work = true};

TEST(progress_watch, notices_who_could_move_and_does_not) {
  progress_watch x{100};
  EXPECT_FALSE(x.stuck(leaderless, 1000));
  EXPECT_FALSE(x.stuck(leaderless, 1099));
  EXPECT_TRUE(x.stuck(leaderless, 1100));
}

TEST(progress_watch, waits_twice_as_long_each_time) {
  progress_watch x{100};
  x.stuck(at_work, 1000);
  EXPECT_TRUE(x.stuck(at_work, 1100));
  EXPECT_FALSE(x.stuck(at_work, 1299));
  EXPECT_TRUE(x.stuck(at_work, 1300));
  auto moved = at_work;
  moved.commit = {1};
  EXPECT_FALSE(x.stuck(moved, 1400));
  EXPECT_FALSE(x.stuck(moved, 1401));
  EXPECT_TRUE(x.stuck(moved, 1501)); // patience is as at first
}

TEST(progress_watch, leaves_the_idle_and_the_lonely_alone) {
  progress_watch x{100};
  EXPECT_FALSE(x.stuck(idle, 1000));
  EXPECT_FALSE(x.stuck(idle, 9000));
  auto lonely = leaderless;
  lonely.could_move = false;
  EXPECT_FALSE(x.stuck(lonely, 10'000));
  EXPECT_FALSE(x.stuck(lonely, 19'000));
  EXPECT_FALSE(x.stuck(leaderless, 19'001)); // only from now on could it
}

TEST_F(scenario, a_group_that_cannot_elect_is_made_anew) {
  const auto leader = settle();
  bool deaf = true;
  sim.filter = [&](std::uint64_t, std::uint64_t, std::string& bytes) {
    auto x = decode_message(group, {1}, bytes);
    if (deaf && x && x->head.type == CRAFT_VOTE_RESULT && x->head.granted) {
      x->head.granted = 0;
      bytes = encode_message(group, x->head, {});
    }
    return true;
  };
  sim.crash(leader);
  const auto b = leader % 3 + 1;
  const auto c = b % 3 + 1;
  auto anew = [&] {
    return sim.replica(b).rebuilds() > 0 && sim.replica(c).rebuilds() > 0;
  };
  EXPECT_TRUE(wait(anew, 15 * s)) << sim.describe();
  deaf = false;
  EXPECT_TRUE(wait([this] { return sim.leader() != 0; }, 5 * s));
  EXPECT_TRUE(sim.propose(sim.leader()));
}

TEST_F(scenario, a_leader_that_commits_nothing_is_made_anew) {
  const auto leader = settle();
  bool broken = true;
  sim.filter = [&](std::uint64_t, std::uint64_t, std::string& bytes) {
    auto x = decode_message(group, {1}, bytes);
    if (broken && x && x->head.type == CRAFT_APPEND_RESULT) {
      x->head.index = 1; // alive, but never any further
      bytes = encode_message(group, x->head, {});
    }
    return true;
  };
  EXPECT_TRUE(sim.propose(leader));
  auto anew = [&] { return sim.replica(leader).rebuilds() > 0; };
  EXPECT_TRUE(wait(anew, 10 * s)) << sim.describe();
  broken = false;
  const auto before = sim.commands_committed();
  auto goes_on = [&] { return sim.commands_committed() > before; };
  EXPECT_TRUE(wait(goes_on, 5 * s)) << sim.describe();
}

TEST_F(scenario, a_group_that_works_or_rests_is_left_alone) {
  const auto leader = settle();
  for (int i = 0; i < 1000; ++i) {
    sim.propose(leader);
    sim.run_for(10 * ms);
  }
  sim.run_for(60 * s);
  for (std::uint64_t node = 1; node <= 3; ++node)
    EXPECT_EQ(sim.replica(node).rebuilds(), 0u);
  EXPECT_EQ(sim.leader(), leader);
}

TEST_F(scenario, a_clock_that_jumps_back_does_not_stop_a_leader) {
  const auto leader = settle();
  sim.jump_clock(leader, -3'600'000);
  sim.run_for(2 * s);
  EXPECT_EQ(sim.leader(), leader);
  EXPECT_TRUE(sim.propose(leader));
  EXPECT_TRUE(wait([&] { return caught_up(leader % 3 + 1); }, 1 * s));
}

TEST_F(scenario,
       a_follower_whose_clock_jumps_ahead_does_not_depose_the_leader) {
  const auto leader = settle();
  const auto term = sim.replica(leader).term();
  for (int i = 0; i < 20; ++i) {
    sim.jump_clock(leader % 3 + 1, 60'000);
    sim.run_for(300 * ms);
  }
  EXPECT_EQ(sim.leader(), leader);
  EXPECT_EQ(sim.replica(leader).term(), term);
}

/// Two nodes of different terms, each with the other's vote to win.
TEST_F(scenario, a_node_with_an_old_term_and_one_with_an_old_log_elect_one) {
  const auto a = settle();
  const auto b = a % 3 + 1;
  const auto c = b % 3 + 1;
  sim.isolate(c); // its term stays behind
  for (int i = 0; i < 3; ++i) {
    sim.propose(sim.leader());
    sim.transfer(sim.leader());
    sim.run_for(500 * ms);
  }
  sim.crash(a);
  sim.heal();
  auto elected = [this] { return sim.leader() != 0; };
  EXPECT_TRUE(wait(elected, 10 * s)) << sim.describe();
  EXPECT_EQ(sim.leader(), b); // c lacks what was committed
}

TEST_F(scenario, nobody_votes_twice_in_a_term_though_it_crashes_between) {
  for (int round = 0; round < 30; ++round) {
    const auto leader = settle();
    sim.crash(leader);
    // The voters crash again and again while the election is on.
    for (int i = 0; i < 6; ++i) {
      const auto voter = sim.random(1, 3);
      sim.run_for(sim.random(1 * ms, 150 * ms));
      sim.crash(voter);
      sim.restart(voter);
    }
    sim.restart(leader);
  }
  EXPECT_GT(sim.leaderships(), 10u); // the simulation looks for two in a term
}

} // namespace
} // namespace callboard
