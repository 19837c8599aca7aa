#include "tests/support/power_cut_env.hpp"
#include "tests/unit/state/random_history.hpp"
#include "tests/unit/state/store_fixture.hpp"

#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <fstream>

namespace callboard::test {
namespace {

class state_disk_test : public store_fixture {
protected:
  void TearDown() override {
    store.reset(); // before its disk
  }

  storage_options options() override {
    return {.dir = dir.path(),
            .block_cache_bytes = 8u << 20,
            .write_buffer_bytes = 8u << 20,
            .flush_after_log_bytes = 1u << 20,
            .env = &disk};
  }

  /// Applies all entries behind applied() again.
  void catch_up() {
    auto applied = store->applied(shard);
    ASSERT_TRUE(applied);
    std::vector<std::string_view> rest(
      payloads.begin() + static_cast<long>(applied->value), payloads.end());
    auto done = store->apply(shard, {payloads.size()}, rest);
    ASSERT_TRUE(done) << done.error().detail;
  }

  power_cut_env disk;
};

TEST_F(state_disk_test, after_a_power_cut_it_is_a_consistent_older_state) {
  for (std::uint64_t cut = 0; cut < 14; cut += 2) {
    SCOPED_TRACE(cut);
    SetUp();
    random_history history{out, static_cast<std::uint32_t>(cut + 100)};
    disk.cut_after_syncs(cut);
    bool alive = true; // no entry after one that failed
    for (int entry = 0; entry < 12; ++entry) {
      for (int i = 0; i < 10; ++i)
        history.step();
      auto payload = out.take();
      payloads.push_back(payload);
      std::string_view one = payload;
      alive
        = alive && store->apply(shard, {payloads.size()}, std::span{&one, 1});
      if (entry % 3 == 2)
        (void)store->flush();
    }
    store.reset();
    disk.restore_power(static_cast<power_cut_env::tail>(cut % 3));
    reopen();
    auto applied = store->applied(shard);
    ASSERT_TRUE(applied);
    // The prefix that it claims is exactly what it holds.
    temp_dir other;
    auto prefix = state_store::open({.dir = other.path()}, shards);
    ASSERT_TRUE(prefix);
    std::vector<std::string_view> all(payloads.begin(), payloads.end());
    if (applied->value > 0) {
      ASSERT_TRUE((*prefix)->apply(shard, *applied,
                                   std::span{all}.first(applied->value)));
    }
    EXPECT_EQ(store->digest(shard), (*prefix)->digest(shard));
    catch_up();
    if (applied->value < all.size()) {
      ASSERT_TRUE((*prefix)->apply(shard, {all.size()},
                                   std::span{all}.subspan(applied->value)));
    }
    EXPECT_EQ(store->digest(shard), (*prefix)->digest(shard));
  }
}

TEST_F(state_disk_test, what_was_flushed_survives_a_power_cut) {
  for (int i = 0; i < 5; ++i) {
    out.add("p", run_event("e1", R"({"n":1})"));
    ASSERT_TRUE(apply());
  }
  ASSERT_TRUE(store->flush());
  out.add("p", run_event("e1", R"({"n":2})"));
  ASSERT_TRUE(apply());
  disk.cut_after_syncs(0);
  store.reset();
  disk.restore_power();
  reopen();
  EXPECT_EQ(store->applied(shard), log_index{5});
  EXPECT_EQ(store->load_room(shard, out.room("p"))->head, event_seq{5});
}

TEST_F(state_disk_test, a_disk_that_is_full_for_a_while_loses_nothing) {
  out.add("p", run_event("e1", R"({"n":1})"));
  ASSERT_TRUE(apply());
  disk.fail_writes(power_cut_env::fault::no_space);
  auto flushed = store->flush();
  ASSERT_FALSE(flushed);
  EXPECT_EQ(flushed.error().code, errc::unavailable) << flushed.error().detail;
  EXPECT_NE(flushed.error().detail.find("disk is full"), std::string::npos)
    << flushed.error().detail;
  // Reading goes on; applying is refused and changes nothing.
  EXPECT_EQ(at(detail("p", "e1"), "n"), "1");
  out.add("p", run_event("e1", R"({"n":2})"));
  auto refused = apply();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::unavailable);
  EXPECT_EQ(store->applied(shard), log_index{1});
  store->resume(); // still full
  EXPECT_FALSE(store->apply(shard, {1}, {}));

  disk.fail_writes(power_cut_env::fault::none);
  store->resume();
  catch_up();
  EXPECT_EQ(at(detail("p", "e1"), "n"), "2");
  ASSERT_TRUE(store->flush());
  reopen();
  EXPECT_EQ(store->applied(shard), log_index{2});
  EXPECT_EQ(at(detail("p", "e1"), "n"), "2");
}

/// RocksDB's own word for it cannot be trusted: see flush_watch.
TEST_F(state_disk_test, a_flush_after_a_full_disk_is_a_flush) {
  out.add("p", run_event("e1", R"({"n":1})"));
  ASSERT_TRUE(apply());
  disk.fail_writes(power_cut_env::fault::no_space);
  ASSERT_FALSE(store->flush());
  disk.fail_writes(power_cut_env::fault::none);
  store->resume();
  out.add("p", run_event("e1", R"({"n":2})"));
  ASSERT_TRUE(apply());
  ASSERT_TRUE(store->flush());
  disk.cut_after_syncs(0);
  store.reset();
  disk.restore_power();
  reopen();
  EXPECT_EQ(store->applied(shard), log_index{2});
}

TEST_F(state_disk_test, a_second_opening_says_who_has_it) {
  auto second = state_store::open(options(), shards);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, errc::unavailable);
  EXPECT_NE(second.error().detail.find("open in another process"),
            std::string::npos)
    << second.error().detail;
}

TEST_F(state_disk_test, another_number_of_shards_names_both) {
  store.reset();
  auto other = state_store::open(options(), 16);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, errc::conflict);
  EXPECT_NE(other.error().detail.find('8'), std::string::npos);
  EXPECT_NE(other.error().detail.find("16"), std::string::npos);
}

/// Writes another format into a closed store. @returns the one before.
std::string change_format(const std::filesystem::path& dir,
                          const std::string& to) {
  auto path = (dir / "state").string();
  std::vector<std::string> names;
  EXPECT_TRUE(rocksdb::DB::ListColumnFamilies({}, path, &names).ok());
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (auto& name : names)
    families.emplace_back(name, rocksdb::ColumnFamilyOptions{});
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* raw = nullptr;
  std::string before;
  EXPECT_TRUE(rocksdb::DB::Open({}, path, families, &handles, &raw).ok());
  EXPECT_TRUE(raw->Get({}, "format", &before).ok());
  EXPECT_TRUE(raw->Put({}, "format", to).ok());
  for (auto* handle : handles)
    raw->DestroyColumnFamilyHandle(handle);
  delete raw;
  return before;
}

TEST_F(state_disk_test, a_newer_format_is_refused_and_left_alone) {
  store.reset();
  change_format(dir.path(), "4");
  auto opened = state_store::open(options(), shards);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, errc::conflict);
  EXPECT_NE(opened.error().detail.find("format 4"), std::string::npos)
    << opened.error().detail;
}

TEST_F(state_disk_test, an_older_format_is_read_and_raised) {
  out.add("p", run_event("e1", R"({"status":"running"})"));
  ASSERT_TRUE(apply());
  ASSERT_TRUE(store->flush());
  store.reset();
  change_format(dir.path(), "1");
  reopen();
  EXPECT_EQ(store->applied(shard), log_index{1});
  store.reset();
  EXPECT_EQ(change_format(dir.path(), "3"), "3");
}

TEST_F(state_disk_test, a_file_in_the_place_of_the_folder_is_named) {
  store.reset();
  auto file = dir.path() / "file";
  std::ofstream{file} << "x";
  auto opened = state_store::open({.dir = file}, shards);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().detail.find(file.string()), std::string::npos);
}

} // namespace
} // namespace callboard::test
