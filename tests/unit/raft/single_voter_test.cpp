#include "storage/raft/consensus.hpp"

#include <gtest/gtest.h>

namespace callboard {
namespace {

constexpr node_number self{1};
constexpr std::uint64_t t0 = 1000;

const std::vector<group_member> alone{{self, true}};

std::unique_ptr<consensus> make() {
  return make_raft_consensus({.self = self});
}

shared_bytes bytes(std::string x) {
  return std::make_shared<const std::string>(std::move(x));
}

std::vector<std::string> commands(const std::vector<log_entry>& xs) {
  std::vector<std::string> result;
  for (const auto& x : xs)
    if (x.kind == entry_kind::command)
      result.emplace_back(x.payload);
  return result;
}

/// A restart of `log` with everything in it durable and `applied` in the state.
restored_log restart(std::vector<log_entry> log, hard_state hard,
                     log_index applied = {}) {
  restored_log result;
  result.hard = hard;
  result.snapshot_index = applied;
  if (applied.value != 0) {
    result.snapshot_term = log.at(applied.value - 1).term;
    result.configuration_index = {1};
    result.configuration = log.front().payload;
  }
  result.entries = std::move(log);
  return result;
}

TEST(single_voter, leads_at_once_and_begins_with_a_barrier) {
  auto x = make();
  const auto& fx = x->start({}, alone, t0);
  EXPECT_TRUE(x->leading());
  EXPECT_TRUE(fx.leadership_changed);
  EXPECT_EQ(x->leader(), self);
  ASSERT_TRUE(fx.hard);
  EXPECT_EQ(*fx.hard, (hard_state{x->term(), self}));
  ASSERT_EQ(fx.append.size(), 2u);
  EXPECT_EQ(fx.append[0].kind, entry_kind::change);
  EXPECT_EQ(fx.append[1].kind, entry_kind::barrier);
  EXPECT_EQ(fx.append[1].term, x->term());
  EXPECT_EQ(x->barrier_index(), log_index{2});
  EXPECT_TRUE(fx.now.empty());
  EXPECT_TRUE(fx.after_sync.empty());
}

TEST(single_voter, applies_nothing_before_it_is_durable) {
  auto x = make();
  const auto start = x->start({}, alone, t0);
  EXPECT_TRUE(start.apply.empty());
  const auto proposed = **x->propose(bytes("a"), t0);
  EXPECT_TRUE(proposed.apply.empty());
  EXPECT_EQ(proposed.append.size(), 1u);
  EXPECT_LT(start.after, proposed.after);
  auto applied = x->durable(start.after, t0).apply;
  ASSERT_EQ(applied.size(), 2u);
  EXPECT_EQ(applied[1].index, x->barrier_index());
  EXPECT_EQ(commands(x->durable(proposed.after, t0).apply),
            std::vector<std::string>{"a"});
}

TEST(single_voter, one_report_covers_all_earlier_batches) {
  auto x = make();
  x->start({}, alone, t0);
  ticket last;
  for (auto text : {"a", "b", "c"})
    last = (*x->propose(bytes(text), t0))->after;
  EXPECT_EQ(commands(x->durable(last, t0).apply),
            (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_TRUE(x->durable(last, t0).apply.empty());
}

TEST(single_voter, a_payload_is_shared_not_copied) {
  auto x = make();
  auto last = x->start({}, alone, t0).after;
  auto payload = bytes("a");
  const auto& fx = **x->propose(payload, t0);
  EXPECT_EQ(fx.append[0].payload.data(), payload->data());
  last = fx.after;
  EXPECT_EQ(x->durable(last, t0).apply.back().payload.data(), payload->data());
}

TEST(single_voter, each_life_has_a_term_of_its_own_and_applies_the_rest) {
  auto x = make();
  auto fx = x->start({}, alone, t0);
  auto log = fx.append;
  auto hard = *fx.hard;
  for (auto text : {"a", "b"}) {
    fx = **x->propose(bytes(text), t0);
    log.insert(log.end(), fx.append.begin(), fx.append.end());
  }
  auto y = make();
  fx = y->start(restart(log, hard, log_index{3}), {}, t0);
  EXPECT_TRUE(y->leading());
  EXPECT_EQ(y->term(), next(hard.term));
  ASSERT_TRUE(fx.hard);
  EXPECT_EQ(fx.hard->term, y->term());
  // "a" is in the state; "b" is on the disk, hence committed.
  EXPECT_EQ(commands(fx.apply), std::vector<std::string>{"b"});
  ASSERT_EQ(fx.append.size(), 1u);
  EXPECT_EQ(fx.append[0].kind, entry_kind::barrier);
  EXPECT_EQ(y->barrier_index(), log_index{5});
  auto rest = y->durable(fx.after, t0).apply;
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0].index, y->barrier_index());
}

TEST(single_voter, forgets_what_is_trimmed_and_keeps_its_term) {
  auto x = make();
  x->start({}, alone, t0);
  ticket last;
  for (int i = 0; i < 10; ++i)
    last = (*x->propose(bytes("x"), t0))->after;
  x->durable(last, t0);
  x->trim(log_index{9});
  EXPECT_EQ(x->term_at(log_index{7}), raft_term{});
  EXPECT_EQ(x->term_at(log_index{8}), x->term());
  EXPECT_EQ(x->term_at(log_index{9}), x->term());
  EXPECT_EQ(x->configuration_at(log_index{12}).first, log_index{1});
  x->trim(log_index{10}); // again, with nothing new applied
  last = (*x->propose(bytes("y"), t0))->after;
  EXPECT_EQ(commands(x->durable(last, t0).apply),
            std::vector<std::string>{"y"});
  x->trim(log_index{99}); // more than there is
  EXPECT_EQ(x->last_index(), log_index{13});
  last = (*x->propose(bytes("z"), t0))->after;
  EXPECT_EQ(commands(x->durable(last, t0).apply),
            std::vector<std::string>{"z"});
}

TEST(single_voter, goes_on_leading_while_time_passes) {
  auto x = make();
  x->start({}, alone, t0);
  for (auto t = t0; t < t0 + 60'000; t += 10) {
    const auto& fx = x->tick(t);
    EXPECT_EQ(fx.after, ticket{});
    EXPECT_FALSE(fx.leadership_changed);
  }
  EXPECT_TRUE(x->leading());
}

TEST(single_voter, a_replica_that_was_never_started_proposes_nothing) {
  auto x = make();
  auto refused = x->propose(bytes("a"), t0);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::unavailable);
}

} // namespace
} // namespace callboard
