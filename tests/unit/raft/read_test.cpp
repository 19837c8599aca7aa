#include "storage/raft/message.hpp"
#include "storage/raft/read_barrier.hpp"

#include "tests/unit/raft/scenario.hpp"

namespace callboard {
namespace {

using namespace test;

constexpr node_number n1{1};
constexpr node_number n2{2};
constexpr node_number n3{3};
const std::vector<group_member> three{{n1, true}, {n2, true}, {n3, true}};

TEST(read_barrier, a_majority_settles_all_that_waited_when_the_round_began) {
  read_barrier x;
  const auto a = x.ask();
  const auto b = x.ask();
  EXPECT_TRUE(x.begin({7}, 0));
  const auto late = x.ask();
  EXPECT_FALSE(x.begin({8}, 0)); // one round at a time
  EXPECT_TRUE(x.settle(n1, three).empty());
  x.answer(n2, x.round());
  const auto settled = x.settle(n1, three);
  ASSERT_EQ(settled.size(), 2u);
  EXPECT_EQ(settled[0].read, a);
  EXPECT_EQ(settled[1].read, b);
  EXPECT_EQ(settled[1].current_at, log_index{7});
  EXPECT_TRUE(x.begin({8}, 0));
  x.answer(n3, x.round());
  EXPECT_EQ(x.settle(n1, three).at(0).read, late);
  EXPECT_FALSE(x.waiting());
}

TEST(read_barrier,
     answers_to_other_rounds_twice_or_of_non_voters_do_not_count) {
  read_barrier x;
  x.ask();
  x.begin({7}, 0);
  x.answer(n2, x.round() - 1);
  x.answer(node_number{4}, x.round());
  EXPECT_TRUE(x.settle(n1, three).empty());
  auto five = three;
  five.push_back({{4}, false});
  five.push_back({{5}, true});
  five.push_back({{6}, true});
  x.answer(n2, x.round());
  x.answer(n2, x.round());
  EXPECT_TRUE(x.settle(n1, five).empty());
  x.answer(n3, x.round());
  EXPECT_EQ(x.settle(n1, five).size(), 1u);
}

TEST(read_barrier, a_lost_leadership_answers_every_read) {
  read_barrier x;
  x.ask();
  x.begin({7}, 0);
  const auto round = x.round();
  x.ask();
  const auto lost = x.abandon();
  ASSERT_EQ(lost.size(), 2u);
  EXPECT_FALSE(lost[0].current_at);
  EXPECT_NE(x.round(), round);
  EXPECT_FALSE(x.waiting());
}

TEST(read_barrier, is_asked_again_when_answers_are_overdue) {
  read_barrier x;
  EXPECT_FALSE(x.overdue(1000, 100));
  x.ask();
  x.begin({7}, 1000);
  EXPECT_FALSE(x.overdue(1099, 100));
  EXPECT_TRUE(x.overdue(1100, 100));
  EXPECT_FALSE(x.overdue(1150, 100));
}

class reads : public scenario {
protected:
  void SetUp() override {
    leader = settle();
    sim.filter = [this](std::uint64_t, std::uint64_t, std::string& bytes) {
      auto x = decode_message(group, n1, bytes);
      checks += x && x->head.type == CRAFT_TERM_CHECK;
      return !x || x->head.type != CRAFT_TERM_CHECK || !lose_checks;
    };
  }

  std::uint64_t leader = 0;
  std::uint64_t checks = 0;
  bool lose_checks = false;
};

TEST_F(reads, cost_a_round_of_messages_and_nothing_in_the_log) {
  const auto last = sim.replica(leader).last_index();
  ASSERT_TRUE(sim.read(leader));
  EXPECT_TRUE(wait([this] { return sim.reads_answered == 1; }, 10 * ms));
  EXPECT_EQ(sim.replica(leader).last_index(), last);
  EXPECT_EQ(checks, 2u);
}

TEST_F(reads, share_a_round) {
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE(sim.read(leader));
  EXPECT_TRUE(wait([this] { return sim.reads_answered == 100; }, 20 * ms));
  EXPECT_EQ(checks,
            4u); // one for the first, one for the 99 that came meanwhile
}

TEST_F(reads, survive_lost_messages) {
  lose_checks = true;
  ASSERT_TRUE(sim.read(leader));
  sim.run_for(20 * ms);
  lose_checks = false;
  EXPECT_TRUE(wait([this] { return sim.reads_answered == 1; }, 100 * ms));
}

TEST_F(reads, are_taken_by_leaders_only) {
  EXPECT_FALSE(sim.read(leader % 3 + 1));
}

/// It cannot know whether somebody else leads, and somebody does.
TEST_F(reads, are_not_answered_by_a_leader_that_is_cut_off) {
  sim.isolate(leader);
  ASSERT_TRUE(sim.read(leader));
  auto deposed = [this] { return !sim.replica(leader).leading(); };
  EXPECT_TRUE(wait(deposed, 5 * s));
  sim.heal();
  sim.run_for(2 * s);
  EXPECT_EQ(sim.reads_answered, 0u);
}

} // namespace
} // namespace callboard
