#include "storage/log_store.hpp"
#include "storage/raft/configuration.hpp"

#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace callboard {
namespace {

constexpr shard_id s0{0};
constexpr shard_id s1{1};
constexpr shard_id s256{256};

const std::string members
  = encode_members(std::vector<group_member>{{node_number{1}, true}});

log_entry change(std::uint64_t index) {
  return {{index}, {1}, entry_kind::change, members, nullptr};
}

log_entry command(std::uint64_t index, std::uint64_t term,
                  std::string_view text) {
  return {{index}, {term}, entry_kind::command, text, nullptr};
}

class log_store_test : public ::testing::Test {
protected:
  void SetUp() override {
    reopen();
  }

  void reopen() {
    store.reset();
    auto opened = log_store::open({.dir = dir.path()});
    ASSERT_TRUE(opened) << opened.error().detail;
    store = std::move(*opened);
  }

  void write(log_store::batch& b) {
    std::string error;
    ASSERT_EQ(store->write(b, error), write_outcome::durable) << error;
  }

  /// A shard with entries 1 .. last; entry 1 is the configuration.
  void fill(shard_id shard, std::uint64_t last) {
    log_store::batch b;
    b.put_hard_state(shard, {{1}, {1}});
    b.append(shard, change(1));
    for (std::uint64_t i = 2; i <= last; ++i)
      b.append(shard, command(i, 1, std::to_string(i)));
    write(b);
  }

  std::vector<std::string> texts(shard_id shard, log_index applied = {}) {
    auto found = store->load(shard, applied);
    if (!found) {
      ADD_FAILURE() << found.error().detail;
      return {};
    }
    std::vector<std::string> result;
    for (const auto& x : found->entries)
      if (x.kind == entry_kind::command)
        result.emplace_back(x.payload);
    return result;
  }

  test::temp_dir dir;
  std::unique_ptr<log_store> store;
};

TEST_F(log_store_test, a_new_shard_is_empty) {
  auto found = store->load(s0, {});
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->entries.empty());
  EXPECT_EQ(found->hard, hard_state{});
  EXPECT_EQ(found->snapshot_index, log_index{});
}

TEST_F(log_store_test, reads_back_what_was_written_of_each_shard) {
  fill(s0, 300); // crosses a byte of the big-endian index
  fill(s256, 3);
  reopen();
  auto found = store->load(s0, {});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->hard, (hard_state{{1}, {1}}));
  ASSERT_EQ(found->entries.size(), 300u);
  for (std::uint64_t i = 2; i <= 300; ++i) {
    const auto& x = found->entries[i - 1];
    EXPECT_EQ(x.index.value, i);
    EXPECT_EQ(x.term.value, 1u);
    EXPECT_EQ(x.payload, std::to_string(i));
  }
  EXPECT_EQ(texts(s256), (std::vector<std::string>{"2", "3"}));
  EXPECT_TRUE(texts(s1).empty());
}

TEST_F(log_store_test, a_batch_may_replace_the_end_of_a_log) {
  fill(s0, 5);
  log_store::batch b;
  b.put_hard_state(s0, {{2}, {3}});
  b.erase(s0, {3}, {5});
  b.append(s0, command(3, 2, "three"));
  write(b);
  write(b); // idempotent
  reopen();
  EXPECT_EQ(texts(s0), (std::vector<std::string>{"2", "three"}));
  EXPECT_EQ(store->load(s0, {})->hard, (hard_state{{2}, {3}}));
}

TEST_F(log_store_test, a_long_range_is_erased_as_a_short_one) {
  fill(s0, 20'000);
  fill(s1, 3);
  log_store::batch b;
  b.erase(s0, {3}, {20'000});
  write(b);
  reopen();
  EXPECT_EQ(texts(s0), std::vector<std::string>{"2"});
  EXPECT_EQ(texts(s1).size(), 2u);
}

TEST_F(log_store_test, load_describes_the_state_that_the_log_goes_on_from) {
  fill(s0, 4);
  log_store::batch b;
  const auto more = encode_members(
    std::vector<group_member>{{node_number{1}, true}, {node_number{2}, false}});
  b.append(s0, {{5}, {2}, entry_kind::change, more, nullptr});
  b.append(s0, command(6, 3, "six"));
  write(b);
  auto found = store->load(s0, {4});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->snapshot_index, log_index{4});
  EXPECT_EQ(found->snapshot_term, raft_term{1});
  EXPECT_EQ(found->configuration_index, log_index{1});
  EXPECT_EQ(found->configuration, members);
  found = store->load(s0, {5});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->snapshot_term, raft_term{2});
  EXPECT_EQ(found->configuration_index, log_index{5});
  EXPECT_EQ(found->configuration, more);
}

TEST_F(log_store_test, what_was_trimmed_is_stood_for) {
  fill(s0, 10);
  ASSERT_TRUE(store->trim(s0, {10}, {1}, {1}, members));
  reopen();
  auto found = store->load(s0, {10});
  ASSERT_TRUE(found) << found.error().detail;
  EXPECT_TRUE(found->entries.empty());
  EXPECT_EQ(found->snapshot_term, raft_term{1});
  EXPECT_EQ(found->configuration_index, log_index{1});
  EXPECT_EQ(found->configuration, members);
}

TEST_F(log_store_test, trims_again_and_again_and_ignores_older_trims) {
  fill(s0, 10);
  ASSERT_TRUE(store->trim(s0, {4}, {1}, {1}, members));
  ASSERT_TRUE(store->trim(s0, {7}, {1}, {1}, members));
  ASSERT_TRUE(store->trim(s0, {5}, {1}, {1}, members));
  EXPECT_EQ(texts(s0, {8}), (std::vector<std::string>{"8", "9", "10"}));
}

TEST_F(log_store_test, tells_when_the_log_does_not_reach_the_state) {
  fill(s0, 10);
  auto ahead = store->load(s0, {11});
  ASSERT_FALSE(ahead);
  EXPECT_EQ(ahead.error().code, errc::internal);
  EXPECT_NE(ahead.error().detail.find("index 11"), std::string::npos);
  ASSERT_TRUE(store->trim(s0, {5}, {1}, {1}, members));
  auto behind = store->load(s0, {4});
  ASSERT_FALSE(behind);
  EXPECT_NE(behind.error().detail.find("entry 5"), std::string::npos);
}

TEST_F(log_store_test, tells_of_a_gap) {
  fill(s0, 10);
  log_store::batch b;
  b.erase(s0, {4}, {4});
  write(b);
  auto found = store->load(s0, {2});
  ASSERT_FALSE(found);
  EXPECT_NE(found.error().detail.find("entry 4 is missing"), std::string::npos);
}

TEST_F(log_store_test, a_batch_knows_its_size) {
  log_store::batch b;
  EXPECT_TRUE(b.empty());
  b.append(s0, command(1, 1, std::string(1000, 'x')));
  EXPECT_FALSE(b.empty());
  EXPECT_GT(b.bytes(), 1000u);
  b.clear();
  EXPECT_TRUE(b.empty());
}

TEST_F(log_store_test, counts_its_bytes_on_the_disk) {
  log_store::batch b;
  const std::string payload(100'000, 'x');
  b.append(s0, command(1, 1, payload));
  write(b);
  EXPECT_GE(store->disk_bytes(), 100'000u);
}

TEST_F(log_store_test, an_installed_state_takes_the_place_of_the_log) {
  fill(s0, 20);
  fill(s1, 20);
  log_store::batch b;
  b.put_hard_state(s0, {{7}, {2}});
  b.install(s0, {{99}, {50}, {6}, {1}, members});
  write(b);
  reopen();
  // Whoever finds it so swaps the state first, then loads.
  EXPECT_EQ(*store->unfinished_install(s0), stream_id{99});
  EXPECT_EQ(*store->unfinished_install(s1), stream_id{});
  b.clear();
  b.installed(s0);
  b.append(s0, command(51, 7, "51"));
  write(b);
  reopen();
  EXPECT_EQ(*store->unfinished_install(s0), stream_id{});
  EXPECT_EQ(texts(s0, {50}), std::vector<std::string>{"51"});
  auto found = store->load(s0, {50});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->hard, (hard_state{{7}, {2}}));
  EXPECT_EQ(found->snapshot_term, raft_term{6});
  EXPECT_EQ(found->configuration, members);
  EXPECT_EQ(texts(s1).size(), 19u);
}

TEST_F(log_store_test, a_late_trim_does_not_undo_an_install) {
  fill(s0, 20);
  log_store::batch b;
  b.install(s0, {{99}, {50}, {6}, {1}, members});
  write(b);
  EXPECT_TRUE(store->trim(s0, {10}, {1}, {1}, members));
  EXPECT_TRUE(texts(s0, {50}).empty());
}

} // namespace
} // namespace callboard
