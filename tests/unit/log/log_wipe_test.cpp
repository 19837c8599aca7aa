#include "storage/log_store.hpp"
#include "storage/raft/configuration.hpp"

#include "tests/support/power_cut_env.hpp"
#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>

namespace callboard {
namespace {

using test::power_cut_env;

constexpr shard_id gone{3};
constexpr shard_id other{4};
constexpr shard_id directory{0xffff};

const std::string members
  = encode_members(std::vector<group_member>{{node_number{1}, true}});

class log_wipe : public ::testing::Test {
protected:
  void SetUp() override {
    reopen();
  }

  void TearDown() override {
    store.reset(); // before its disk
  }

  void reopen() {
    store.reset();
    auto opened = log_store::open({.dir = dir.path(), .env = &disk});
    ASSERT_TRUE(opened) << opened.error().detail;
    store = std::move(*opened);
  }

  write_outcome write(log_store::batch& b) {
    std::string error;
    return store->write(b, error);
  }

  void fill(shard_id shard, std::uint64_t last) {
    log_store::batch b;
    b.put_hard_state(shard, {{7}, {2}});
    b.append(shard, {{1}, {1}, entry_kind::change, members, nullptr});
    for (std::uint64_t i = 2; i <= last; ++i)
      b.append(shard, {{i}, {7}, entry_kind::command, "x", nullptr});
    ASSERT_EQ(write(b), write_outcome::durable);
  }

  static constexpr log_position end{{7}, {20}};

  void wipe(shard_id shard) {
    log_store::batch b;
    b.wipe(shard, end);
    ASSERT_EQ(write(b), write_outcome::durable);
  }

  std::size_t entries(shard_id shard, log_index applied = {}) {
    auto found = store->load(shard, applied);
    EXPECT_TRUE(found) << found.error().detail;
    return found ? found->entries.size() : 9999;
  }

  test::temp_dir dir;
  power_cut_env disk;
  std::unique_ptr<log_store> store;
};

TEST_F(log_wipe, nothing_but_term_vote_and_where_it_ended_outlives_it) {
  fill(gone, 20);
  fill(other, 20);
  ASSERT_TRUE(store->trim(gone, {10}, {7}, {1}, members));
  wipe(gone);
  for (int life = 0; life < 2; ++life) {
    auto found = store->load(gone, {});
    ASSERT_TRUE(found) << found.error().detail;
    EXPECT_TRUE(found->entries.empty());
    EXPECT_EQ(found->hard, (hard_state{{7}, {2}}));
    EXPECT_EQ(found->dropped, end);
    EXPECT_EQ(found->term_before_entries, raft_term{});
    EXPECT_EQ(found->snapshot_index, log_index{});
    EXPECT_EQ(found->configuration, "");
    EXPECT_EQ(entries(other), 20u);
    reopen();
  }
}

TEST_F(log_wipe, a_wiped_log_differs_from_one_that_never_was) {
  EXPECT_EQ(store->presence(gone), log_presence::never);
  log_store::batch b;
  b.put_hard_state(gone, {{1}, {1}}); // a vote
  ASSERT_EQ(write(b), write_outcome::durable);
  EXPECT_EQ(store->presence(gone), log_presence::never);
  fill(gone, 3);
  EXPECT_EQ(store->presence(gone), log_presence::holds);
  wipe(gone);
  EXPECT_EQ(store->presence(gone), log_presence::wiped);
  reopen();
  EXPECT_EQ(store->presence(gone), log_presence::wiped);
  EXPECT_EQ(store->presence(other), log_presence::never);
}

TEST_F(log_wipe, a_log_that_comes_back_holds_again) {
  fill(gone, 3);
  wipe(gone);
  fill(gone, 5);
  EXPECT_EQ(store->presence(gone), log_presence::holds);
  EXPECT_EQ(entries(gone), 5u);
  wipe(gone);
  log_store::batch b;
  b.put_hard_state(gone, {{8}, {}});
  b.install(gone, {stream_id{9}, {100}, {8}, {1}, members});
  ASSERT_EQ(write(b), write_outcome::durable);
  EXPECT_EQ(store->presence(gone), log_presence::holds);
}

TEST_F(log_wipe, an_unfinished_install_is_forgotten) {
  fill(gone, 3);
  log_store::batch b;
  b.install(gone, {stream_id{9}, {100}, {7}, {1}, members});
  ASSERT_EQ(write(b), write_outcome::durable);
  EXPECT_EQ(store->unfinished_install(gone), stream_id{9});
  wipe(gone);
  EXPECT_EQ(store->unfinished_install(gone), stream_id{});
  EXPECT_EQ(store->presence(gone), log_presence::wiped);
  EXPECT_EQ(entries(gone), 0u);
}

TEST_F(log_wipe, a_late_trim_does_not_bring_anything_back) {
  fill(gone, 20);
  wipe(gone);
  ASSERT_TRUE(store->trim(gone, {10}, {7}, {1}, members));
  EXPECT_EQ(store->presence(gone), log_presence::wiped);
  EXPECT_EQ(entries(gone), 0u);
}

TEST_F(log_wipe, the_directory_has_a_log_like_every_shard) {
  fill(directory, 20);
  fill(other, 20);
  ASSERT_TRUE(store->trim(directory, {10}, {7}, {1}, members));
  reopen();
  EXPECT_EQ(entries(directory, {12}), 10u);
  log_store::batch b;
  b.erase(directory, {15}, {20});
  ASSERT_EQ(write(b), write_outcome::durable);
  EXPECT_EQ(entries(directory, {12}), 4u);
  wipe(directory);
  EXPECT_EQ(store->presence(directory), log_presence::wiped);
  EXPECT_EQ(entries(directory), 0u);
  reopen(); // the version, which lies among its keys, is still there
  EXPECT_EQ(entries(other), 20u);
}

TEST_F(log_wipe, is_all_there_or_not_at_all_after_a_power_cut) {
  for (std::uint64_t syncs = 0; syncs < 3; ++syncs) {
    fill(gone, 20);
    disk.cut_after_syncs(syncs);
    log_store::batch b;
    b.wipe(gone, end);
    const auto outcome = write(b);
    store.reset();
    disk.restore_power(power_cut_env::tail::torn);
    reopen();
    auto found = store->presence(gone);
    ASSERT_TRUE(found);
    if (outcome == write_outcome::durable) {
      EXPECT_EQ(*found, log_presence::wiped);
    } else {
      EXPECT_EQ(*found, log_presence::holds);
      EXPECT_EQ(entries(gone), 20u);
    }
  }
}

} // namespace
} // namespace callboard
