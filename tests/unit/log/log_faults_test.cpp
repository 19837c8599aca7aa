#include "storage/log_store.hpp"
#include "storage/raft/configuration.hpp"

#include "tests/support/power_cut_env.hpp"
#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>
#include <sys/mount.h>

#include <filesystem>
#include <fstream>

namespace callboard {
namespace {

using test::power_cut_env;

constexpr shard_id s0{0};
constexpr shard_id s1{1};

const std::string members
  = encode_members(std::vector<group_member>{{node_number{1}, true}});

log_entry entry(std::uint64_t index, std::string_view payload) {
  const auto kind = index == 1 ? entry_kind::change : entry_kind::command;
  return {{index}, {1}, kind, index == 1 ? members : payload, nullptr};
}

std::string payload_of(std::uint64_t index) {
  return std::string(500, static_cast<char>('a' + index % 26));
}

/// Writes batches to two shards, trims now and then, and remembers what the
/// store said.
class writer {
public:
  explicit writer(log_store& store, std::uint64_t durable = 0,
                  std::uint64_t trimmed = 0)
      : store_{store}, durable_{durable}, trimmed_{trimmed} {
    // nop
  }

  /// @returns false once a write failed.
  bool write_one() {
    const auto index = durable_ + 1;
    const auto payload = payload_of(index);
    log_store::batch b;
    for (auto shard : {s0, s1}) {
      b.put_hard_state(shard, {{1}, {1}});
      b.append(shard, entry(index, payload));
    }
    std::string error;
    if (store_.write(b, error) != write_outcome::durable)
      return false;
    durable_ = index;
    if (index % 10 == 0 && store_.trim(s0, {index - 5}, {1}, {1}, members))
      trimmed_ = index - 5;
    return true;
  }

  std::uint64_t durable() const {
    return durable_;
  }
  std::uint64_t trimmed() const {
    return trimmed_;
  }

private:
  log_store& store_;
  std::uint64_t durable_;
  std::uint64_t trimmed_;
};

class log_faults : public ::testing::Test {
protected:
  storage_options options() {
    // Small buffers: write-ahead logs and files change often.
    return {.dir = dir.path(), .flush_after_log_bytes = 1u << 20, .env = &disk};
  }

  std::unique_ptr<log_store> open() {
    auto opened = log_store::open(options());
    if (!opened) {
      ADD_FAILURE() << opened.error().detail;
      return nullptr;
    }
    return std::move(*opened);
  }

  /// Both shards hold exactly 1 .. `last` or one batch more, less what was
  /// trimmed.
  void expect_log(log_store& store, std::uint64_t durable,
                  std::uint64_t trimmed) {
    for (auto shard : {s0, s1}) {
      auto found = store.load(shard, {shard == s0 ? trimmed : 0});
      ASSERT_TRUE(found) << found.error().detail;
      const auto last
        = found->entries.empty() ? 0 : found->entries.back().index.value;
      EXPECT_GE(last, durable);
      EXPECT_LE(last, durable + 1);
      EXPECT_EQ(found->hard, last == 0 ? hard_state{} : (hard_state{{1}, {1}}));
      for (const auto& x : found->entries)
        EXPECT_EQ(x.payload,
                  x.index.value == 1 ? members : payload_of(x.index.value));
    }
  }

  test::temp_dir dir;
  power_cut_env disk;
};

class power_cut : public log_faults,
                  public ::testing::WithParamInterface<power_cut_env::tail> {};

/// One life per sync: the power goes after the n-th one.
TEST_P(power_cut, loses_nothing_that_was_reported_durable) {
  constexpr std::uint64_t batches = 60;
  for (std::uint64_t syncs = 1;; ++syncs) {
    std::filesystem::remove_all(dir.path() / "log");
    disk.cut_after_syncs(syncs);
    std::uint64_t durable = 0;
    std::uint64_t trimmed = 0;
    if (auto opened = log_store::open(options())) {
      writer w{**opened};
      while (w.durable() < batches && w.write_one())
        continue;
      durable = w.durable();
      trimmed = w.trimmed();
    }
    const bool was_cut = disk.power_is_out();
    disk.restore_power(GetParam());
    auto store = open();
    ASSERT_TRUE(store) << "after " << syncs << " syncs";
    // The last trim is not synced: it may be there or not.
    expect_log(*store, durable, trimmed);
    if (HasFailure()) {
      ADD_FAILURE() << "after " << syncs << " syncs";
      return;
    }
    store.reset();
    if (!was_cut) {
      EXPECT_GT(syncs, batches);
      return;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(tails, power_cut,
                         ::testing::Values(power_cut_env::tail::lost,
                                           power_cut_env::tail::torn,
                                           power_cut_env::tail::scrambled));

TEST_F(log_faults, power_may_go_again_and_again) {
  std::uint64_t durable = 0;
  std::uint64_t trimmed = 0;
  for (std::uint64_t life = 0; life < 40; ++life) {
    disk.cut_after_syncs(8 + life % 7);
    if (auto opened = log_store::open(options())) {
      auto found = (*opened)->load(s1, {});
      ASSERT_TRUE(found) << found.error().detail;
      writer w{**opened, found->entries.size(), trimmed};
      while (w.write_one())
        continue;
      durable = w.durable();
      trimmed = w.trimmed();
    }
    disk.restore_power(life % 2 == 0 ? power_cut_env::tail::torn
                                     : power_cut_env::tail::lost);
    auto store = open();
    ASSERT_TRUE(store);
    expect_log(*store, durable, trimmed);
  }
  EXPECT_GT(durable, 40u);
}

TEST_F(log_faults, a_full_disk_is_no_space_until_there_is_room_again) {
  auto store = open();
  writer w{*store};
  for (int i = 0; i < 20; ++i)
    ASSERT_TRUE(w.write_one());
  disk.fail_writes(power_cut_env::fault::no_space);
  log_store::batch b;
  b.append(s0, entry(21, "again"));
  b.append(s1, entry(21, "again"));
  std::string error;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(store->write(b, error), write_outcome::no_space) << error;
    store->resume();
  }
  disk.fail_writes(power_cut_env::fault::none);
  store->resume();
  ASSERT_EQ(store->write(b, error), write_outcome::durable) << error;
  store.reset();
  store = open();
  auto found = store->load(s1, {});
  ASSERT_TRUE(found) << found.error().detail;
  ASSERT_EQ(found->entries.size(), 21u);
  EXPECT_EQ(found->entries.back().payload, "again");
}

// RocksDB, which has nothing to flush then, would abort.
TEST_F(log_faults, a_disk_that_is_full_at_the_first_write_is_no_space_too) {
  auto store = open();
  writer w{*store};
  ASSERT_TRUE(w.write_one());
  store.reset();
  store = open();
  log_store::batch b;
  b.append(s0, entry(2, "again"));
  std::string error;
  for (int i = 0; i < 3; ++i) { // at once after each time, too
    disk.fail_writes(power_cut_env::fault::no_space);
    ASSERT_EQ(store->write(b, error), write_outcome::no_space) << error;
    disk.fail_writes(power_cut_env::fault::none);
    store->resume();
  }
  EXPECT_EQ(store->write(b, error), write_outcome::durable) << error;
}

TEST_F(log_faults, a_disk_that_fills_up_in_the_background_is_no_space_too) {
  auto store = open();
  disk.fail_writes(power_cut_env::fault::no_space, ".sst");
  std::string error;
  auto outcome = write_outcome::durable;
  std::uint64_t index = 0;
  const std::string big(200'000, 'x');
  while (outcome == write_outcome::durable && index < 1000) {
    log_store::batch b;
    b.put_hard_state(s0, {{1}, {1}});
    b.append(s0, entry(++index, big));
    outcome = store->write(b, error);
  }
  EXPECT_EQ(outcome, write_outcome::no_space) << error;
  disk.fail_writes(power_cut_env::fault::none);
  log_store::batch b;
  b.append(s0, entry(index, big));
  store->resume();
  ASSERT_EQ(store->write(b, error), write_outcome::durable) << error;
  store.reset();
  store = open();
  auto found = store->load(s0, {});
  ASSERT_TRUE(found) << found.error().detail;
  EXPECT_EQ(found->entries.size(), index);
}

TEST_F(log_faults, a_power_cut_after_a_full_disk_loses_nothing) {
  auto store = open();
  writer w{*store};
  for (int i = 0; i < 7; ++i)
    ASSERT_TRUE(w.write_one());
  disk.fail_writes(power_cut_env::fault::no_space);
  EXPECT_FALSE(w.write_one());
  disk.fail_writes(power_cut_env::fault::none);
  store->resume();
  for (int i = 0; i < 7; ++i)
    ASSERT_TRUE(w.write_one());
  disk.cut_after_syncs(0);
  store.reset();
  disk.restore_power(power_cut_env::tail::torn);
  store = open();
  ASSERT_TRUE(store);
  expect_log(*store, 14, w.trimmed());
}

TEST_F(log_faults, a_broken_disk_is_a_failure) {
  auto store = open();
  writer w{*store};
  ASSERT_TRUE(w.write_one());
  disk.fail_writes(power_cut_env::fault::broken);
  log_store::batch b;
  b.append(s0, entry(2, "x"));
  std::string error;
  EXPECT_EQ(store->write(b, error), write_outcome::failed);
  EXPECT_NE(error.find("Input/output error"), std::string::npos) << error;
}

/// A small file system of its own, if this process may mount one.
class small_disk {
public:
  explicit small_disk(const std::filesystem::path& at) : at_{at} {
    std::filesystem::create_directories(at);
    mounted_ = ::mount("tmpfs", at.c_str(), "tmpfs", 0, "size=6m") == 0;
  }
  ~small_disk() {
    if (mounted_)
      ::umount2(at_.c_str(), MNT_DETACH);
  }
  small_disk(const small_disk&) = delete;
  small_disk& operator=(const small_disk&) = delete;

  bool mounted() const {
    return mounted_;
  }

private:
  std::filesystem::path at_;
  bool mounted_ = false;
};

TEST(log_on_a_small_disk, goes_on_when_room_was_made) {
  test::temp_dir dir;
  small_disk disk{dir.path() / "disk"};
  if (!disk.mounted())
    GTEST_SKIP() << "this process may not mount a file system";
  const auto ballast = dir.path() / "disk" / "ballast";
  std::ofstream{ballast} << std::string(3u << 20, 'x');
  const storage_options options{.dir = dir.path() / "disk",
                                .flush_after_log_bytes = 64u << 20};
  auto opened = log_store::open(options);
  ASSERT_TRUE(opened) << opened.error().detail;
  auto& store = *opened;
  std::string error;
  std::uint64_t index = 0;
  const std::string payload(20'000, 'x');
  auto outcome = write_outcome::durable;
  log_store::batch b;
  while (outcome == write_outcome::durable && index < 1000) {
    b.clear();
    b.put_hard_state(s0, {{1}, {1}});
    b.append(s0, entry(++index, payload));
    outcome = store->write(b, error);
  }
  ASSERT_EQ(outcome, write_outcome::no_space) << error;
  store->resume();
  EXPECT_EQ(store->write(b, error), write_outcome::no_space) << error;
  std::filesystem::remove(ballast);
  store->resume();
  ASSERT_EQ(store->write(b, error), write_outcome::durable) << error;
  store.reset();
  opened = log_store::open(options);
  ASSERT_TRUE(opened) << opened.error().detail;
  auto found = (*opened)->load(s0, {});
  ASSERT_TRUE(found) << found.error().detail;
  EXPECT_EQ(found->entries.size(), index);
}

} // namespace
} // namespace callboard
