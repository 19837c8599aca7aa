#include "tests/unit/state/moving_fixture.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace callboard::test {
namespace {

/// Replicas come and go on the target while entries are applied, disks fill up
/// and the power goes. `store` has every shard; what it held at each index says
/// what the target must hold.
class state_moving_random
    : public moving_fixture,
      public ::testing::WithParamInterface<std::uint32_t> {
protected:
  struct group {
    shard_id shard;
    std::unique_ptr<publisher> out = std::make_unique<publisher>();
    std::unique_ptr<random_history> history;
    std::vector<std::string> log;       ///< From index 1.
    std::vector<std::uint64_t> digests; ///< Of the state at each index.
    bool here = false;                  ///< The target has a replica.
  };

  void SetUp() override {
    moving_fixture::SetUp();
    std::uint32_t seed = GetParam() * 100;
    for (auto id : {shard_id{0}, shard, neighbour, shard_id{7}}) {
      group x;
      x.shard = id;
      x.history = std::make_unique<random_history>(*x.out, ++seed);
      x.digests.push_back(*store->digest(id));
      groups.push_back(std::move(x));
    }
  }

  void publish(group& x) {
    for (auto i = 5 + below(40); i > 0; --i)
      x.history->step();
    auto project = x.history->project();
    if (auto head = x.out->head(project).value; below(5) == 0 && head > 0)
      x.out->trim(project, {1 + random() % head});
    x.log.push_back(x.out->take());
    std::string_view one = x.log.back();
    ASSERT_TRUE(store->apply(x.shard, {x.log.size()}, std::span{&one, 1}));
    x.digests.push_back(*store->digest(x.shard));
  }

  /// The target applies some of what it lacks.
  void follow(group& x) {
    auto applied = target->applied(x.shard)->value;
    if (!x.here || applied == x.log.size())
      return;
    auto upto = applied + 1 + below(3);
    upto = std::min<std::uint64_t>(upto, x.log.size());
    std::vector<std::string_view> some(x.log.begin()
                                         + static_cast<long>(applied),
                                       x.log.begin() + static_cast<long>(upto));
    auto done = target->apply(x.shard, {upto}, some);
    ASSERT_TRUE(done) << done.error().detail;
  }

  void bring(group& x) {
    auto done = move(x.shard, {++last_stream});
    ASSERT_TRUE(done) << done.error().detail;
    if (below(2) == 0) {
      ASSERT_TRUE(target->drop_staged(x.shard));
    }
    x.here = true;
  }

  void step() {
    auto& x = groups[below(4)];
    switch (below(12)) {
    case 0:
    case 1:
    case 2:
      return publish(x);
    case 3:
    case 4:
    case 5:
      return follow(x);
    case 6:
    case 7:
      return bring(x);
    case 8: {
      auto done = target->wipe(x.shard);
      ASSERT_TRUE(done) << done.error().detail;
      x.here = false;
      return;
    }
    case 9:
      ASSERT_TRUE(target->flush());
      return;
    case 10: // what was not flushed is lost
      disk.cut_after_syncs(below(3));
      (void)target->flush();
      target.reset();
      disk.restore_power(static_cast<power_cut_env::tail>(below(3)));
      return reopen_target();
    case 11: // a node that ends while its disk is full
      disk.fail_writes(power_cut_env::fault::no_space);
      (void)target->flush();
      target.reset();
      disk.fail_writes(power_cut_env::fault::none);
      return reopen_target();
    }
  }

  void check() {
    for (auto& x : groups) {
      auto applied = target->applied(x.shard);
      ASSERT_TRUE(applied);
      EXPECT_EQ(target->digest(x.shard), x.digests.at(applied->value));
      EXPECT_TRUE(x.here || applied->value == 0);
    }
  }

  std::uint64_t random() {
    return random_();
  }
  std::uint32_t below(std::uint32_t n) {
    return static_cast<std::uint32_t>(random_() % n);
  }

  std::vector<group> groups;
  std::mt19937 random_{GetParam()};
  std::uint64_t last_stream = 0;
};

TEST_P(state_moving_random, every_replica_holds_what_its_log_says) {
  for (int i = 0; i < 150; ++i) {
    SCOPED_TRACE(i);
    step();
    check();
    if (HasFailure())
      return;
  }
  for (auto& x : groups)
    if (x.here)
      while (target->applied(x.shard)->value < x.log.size())
        follow(x);
  check();
}

INSTANTIATE_TEST_SUITE_P(seeds, state_moving_random, ::testing::Range(1u, 5u));

} // namespace
} // namespace callboard::test
