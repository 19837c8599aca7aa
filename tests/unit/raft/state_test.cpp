#include "storage/raft/state_offers.hpp"

#include "tests/unit/raft/follower.hpp"
#include "tests/unit/raft/scenario.hpp"

/// Bringing the state to whoever lacks the trimmed log.
namespace callboard {
namespace {

using namespace test;

TEST(state_offers, first_an_offer_then_one_stream_at_a_time) {
  state_offers x;
  EXPECT_EQ(x.wanted(n2), state_offers::step::offer);
  EXPECT_EQ(x.wanted(n2), state_offers::step::stream);
  const auto stream = x.begin(n2, {5});
  EXPECT_EQ(x.wanted(n2), state_offers::step::wait);
  EXPECT_EQ(x.wanted(n3), state_offers::step::offer);
  EXPECT_EQ(x.receiver(stream), n2);
  EXPECT_FALSE(x.lowest_pin());
  x.pin(stream, {70});
  EXPECT_EQ(x.lowest_pin(), log_index{70});
  x.end(stream);
  EXPECT_FALSE(x.receiver(stream));
  EXPECT_FALSE(x.lowest_pin());
  EXPECT_EQ(x.wanted(n2), state_offers::step::offer);
  EXPECT_NE(x.begin(n2, {5}), stream);
}

class state : public follower {
protected:
  std::string description(std::uint64_t term, std::uint64_t index,
                          std::uint64_t stream = 99) {
    const auto configuration = encode_members(four);
    craft_message head{};
    head.type = CRAFT_INSTALL;
    head.term = term;
    head.index = index;
    head.index_term = 2;
    head.stream = stream;
    head.configuration_index = 40;
    head.configuration = configuration.data();
    head.configuration_size = configuration.size();
    return encode_message(played_group, head, {});
  }
};

TEST_F(state, takes_the_place_of_the_log) {
  node->durable(append(2, first, {}).after, now);
  const auto fx = node->receive(n2, description(2, 50), now);
  ASSERT_TRUE(fx.install);
  EXPECT_EQ(fx.install->stream, stream_id{99});
  EXPECT_EQ(fx.install->index, log_index{50});
  EXPECT_EQ(fx.install->configuration, encode_members(four));
  EXPECT_TRUE(fx.append.empty());
  EXPECT_FALSE(fx.erase_from);
  EXPECT_TRUE(fx.now.empty()); // nothing is said before it is durable
  auto done = decoded(node->durable(fx.after, now).now);
  ASSERT_EQ(done.size(), 1u);
  EXPECT_EQ(done[0].type, CRAFT_APPEND_RESULT);
  EXPECT_EQ(done[0].rejected, 0u);
  EXPECT_EQ(done[0].index, 50u);
  EXPECT_EQ(node->members(), four);
  // And the log goes on behind it.
  const auto after
    = append(2, command(50, 2, ""), {command(51, 2, "x")}, 51).after;
  const auto applied = node->durable(after, now).apply;
  ASSERT_EQ(applied.size(), 1u);
  EXPECT_EQ(applied[0].index, log_index{51});
}

/// Entries are on their way to the disk when the state comes.
TEST_F(state, of_entries_that_were_being_written_nothing_is_left) {
  node->durable(append(2, first, {}).after, now);
  const auto entries
    = append(2, first, {command(2, 2, "a"), command(3, 2, "b")}, 3).after;
  const auto install = node->receive(n2, description(2, 50), now).after;
  const auto early = node->durable(entries, now);
  EXPECT_TRUE(early.apply.empty());
  EXPECT_TRUE(early.now.empty());
  // More that the leader had sent meanwhile is no harm.
  EXPECT_TRUE(
    append(2, command(3, 2, "b"), {command(4, 2, "c")}, 4).append.empty());
  const auto fx = node->durable(install, now);
  EXPECT_TRUE(fx.apply.empty());
  EXPECT_EQ(node->last_index(), log_index{50});
  EXPECT_EQ(node->commit_index(), log_index{50});
}

TEST_F(state, comes_once) {
  node->durable(append(2, first, {}).after, now);
  const auto fx = node->receive(n2, description(2, 50), now);
  EXPECT_FALSE(node->receive(n2, description(2, 50), now).install);
  node->durable(fx.after, now);
  const auto again = node->receive(n2, description(2, 50), now);
  EXPECT_FALSE(again.install);
  auto answer = decoded(again.now);
  ASSERT_EQ(answer.size(), 1u);
  EXPECT_EQ(answer[0].index, 50u);
}

TEST_F(state, that_is_older_than_ours_is_not_taken) {
  node->durable(append(2, first, {}).after, now);
  std::vector<log_entry> log;
  for (std::uint64_t i = 2; i <= 60; ++i)
    log.push_back(command(i, 2, std::to_string(i)));
  node->durable(append(2, first, log, 60).after, now);
  const auto fx = node->receive(n2, description(2, 50), now);
  EXPECT_FALSE(fx.install);
  EXPECT_EQ(decoded(fx.now).at(0).index, 60u);
}

/// 0.22.1 answers with an index that it never set. The leader of the past may
/// lead again by then, and would commit by it.
TEST_F(state, of_a_leader_of_the_past_is_not_acknowledged) {
  node->durable(append(9, first, {}).after, now);
  const auto fx = node->receive(n2, description(7, 50), now);
  EXPECT_FALSE(fx.install);
  EXPECT_TRUE(fx.now.empty());
  for (auto before : {log_entry{}, first, command(8, 6, "")})
    for (const auto& x : decoded(append(7, before, {command(9, 7, "")}).now)) {
      EXPECT_NE(x.rejected, 0u);
      EXPECT_LT(x.index, x.rejected);
      EXPECT_EQ(x.term, 9u);
    }
}

TEST_F(state, is_complete_before_the_node_stands_for_election) {
  node->durable(append(2, first, {}).after, now);
  const auto install = node->receive(n2, description(2, 50), now).after;
  craft_message head{};
  head.type = CRAFT_TIMEOUT_NOW;
  head.term = 2;
  head.index = 50;
  head.index_term = 2;
  EXPECT_FALSE(receive(n2, head).hard);
  for (int i = 0; i < 20; ++i)
    EXPECT_FALSE(node->tick(now += 500).hard);
  node->durable(install, now);
  EXPECT_TRUE(receive(n2, head).hard);
}

TEST_F(state, nor_does_it_stand_with_entries_that_are_not_on_its_disk) {
  node->durable(append(2, first, {}).after, now);
  append(2, first, {command(2, 2, "a")});
  craft_message head{};
  head.type = CRAFT_TIMEOUT_NOW;
  head.term = 2;
  head.index = 2;
  head.index_term = 2;
  EXPECT_FALSE(receive(n2, head).hard);
}

class trimmed_log : public scenario {
protected:
  trimmed_log()
      : scenario{{.seed = 3,
                  .stream_us_min = 400'000,
                  .flush_and_trim = true,
                  .trim_ahead = true}} {
    // nop
  }

  void work(std::uint64_t us) {
    const auto end = sim.now() + us;
    while (sim.now() < end && sim.violations.empty()) {
      sim.propose(sim.leader() == 0 ? 1 : sim.leader());
      sim.run_for(2 * ms);
    }
  }
};

TEST_F(trimmed_log, is_made_up_for_by_the_state) {
  const auto behind = settle() % 3 + 1;
  sim.crash(behind);
  work(3 * s);
  ASSERT_GT(sim.disk(sim.leader()).trimmed, sim.applied(behind));
  sim.restart(behind);
  work(1500 * ms); // the log grows and is trimmed while the state is under way
  EXPECT_TRUE(wait([&] { return caught_up(behind); }, 5 * s)) << sim.describe();
  // The log behind the state was kept meanwhile, so that one was enough.
  EXPECT_EQ(sim.states_installed, 1u);
}

TEST_F(trimmed_log, a_stream_that_breaks_is_begun_anew) {
  const auto behind = settle() % 3 + 1;
  sim.crash(behind);
  work(3 * s);
  for (int i = 0; i < 5; ++i) {
    sim.restart(behind);
    sim.run_for(300 * ms);
    sim.crash(behind);
  }
  sim.restart(behind);
  EXPECT_TRUE(wait([&] { return caught_up(behind); }, 5 * s)) << sim.describe();
}

TEST_F(trimmed_log, who_restarts_with_an_installed_state_goes_on) {
  const auto behind = settle() % 3 + 1;
  sim.crash(behind);
  work(3 * s);
  sim.restart(behind);
  ASSERT_TRUE(wait([&] { return sim.states_installed == 1; }, 5 * s));
  sim.crash(behind);
  sim.restart(behind);
  EXPECT_TRUE(wait([&] { return caught_up(behind); }, 5 * s));
  EXPECT_EQ(sim.states_installed, 1u);
}

} // namespace
} // namespace callboard
