#include "storage/shard_scan.hpp"
#include "storage/state_chunk.hpp"

#include "tests/unit/state/moving_fixture.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <fstream>
#include <thread>

namespace callboard::test {
namespace {

class state_moving_faults : public moving_fixture {
protected:
  void cut_and_reopen(power_cut_env::tail how) {
    disk.cut_after_syncs(0);
    target.reset();
    disk.restore_power(how);
    reopen_target();
  }

  void remake_target() {
    target.reset();
    std::filesystem::remove_all(target_dir.path());
    std::filesystem::create_directories(target_dir.path());
    reopen_target();
  }
};

/// One life per sync: the power goes after the n-th one of installing.
TEST_F(state_moving_faults, an_install_is_redone_after_a_power_cut_anywhere) {
  publish_anything(21, 10);
  const auto chunks = chunks_of(shard);
  bool finished = false;
  std::uint64_t cut = 0;
  for (; !finished && cut < 200; ++cut) {
    SCOPED_TRACE(cut);
    remake_target();
    fill_target(shard, 3);
    fill_target(neighbour, 4);
    ASSERT_TRUE(target->flush());
    auto old = target->digest(shard);
    auto beside = target->digest(neighbour);
    ASSERT_TRUE(stage(shard, stream, chunks));
    disk.cut_after_syncs(cut);
    finished = target->install(shard, stream).has_value();
    cut_and_reopen(static_cast<power_cut_env::tail>(cut % 3));
    // Never a mixture: the old rows, none, or the new ones.
    auto found = target->digest(shard);
    ASSERT_TRUE(found);
    EXPECT_TRUE(found == old || found == target->digest({7})
                || found == store->digest(shard));
    if (finished)
      expect_equal(shard);
    const staged_state named{shard, stream};
    ASSERT_TRUE(target->drop_staged_except(std::span{&named, 1}));
    auto redone = target->install(shard, stream);
    ASSERT_TRUE(redone) << redone.error().detail;
    expect_equal(shard);
    EXPECT_EQ(target->digest(neighbour), beside);
    cut_and_reopen(power_cut_env::tail::lost); // durable on return
    expect_equal(shard);
    EXPECT_EQ(target->digest(neighbour), beside);
    if (HasFailure())
      return;
  }
  EXPECT_GT(cut, 5u);
  EXPECT_TRUE(finished);
}

TEST_F(state_moving_faults, a_staged_state_is_whole_or_none_after_a_power_cut) {
  publish_anything(22, 5);
  const auto chunks = chunks_of(shard);
  bool finished = false;
  std::uint64_t cut = 0;
  for (; !finished && cut < 200; ++cut) {
    SCOPED_TRACE(cut);
    remake_target();
    disk.cut_after_syncs(cut);
    finished = stage(shard, stream, chunks).has_value();
    cut_and_reopen(static_cast<power_cut_env::tail>(cut % 3));
    auto installed = target->install(shard, stream);
    if (installed)
      expect_equal(shard);
    else
      EXPECT_EQ(installed.error().code, errc::not_found)
        << installed.error().detail;
    EXPECT_TRUE(installed || !finished);
    ASSERT_TRUE(target->drop_staged_except({}));
    EXPECT_EQ(staged_states(), 0u);
    if (HasFailure())
      return;
  }
  EXPECT_GT(cut, 5u);
  EXPECT_TRUE(finished);
}

TEST_F(state_moving_faults, a_wipe_is_redone_after_a_power_cut_anywhere) {
  bool finished = false;
  for (std::uint64_t cut = 0; !finished && cut < 200; ++cut) {
    SCOPED_TRACE(cut);
    remake_target();
    fill_target(shard, 3);
    fill_target(neighbour, 4);
    ASSERT_TRUE(target->flush());
    auto old = target->digest(shard);
    auto none = target->digest({7});
    auto beside = target->digest(neighbour);
    disk.cut_after_syncs(cut);
    finished = target->wipe(shard).has_value();
    cut_and_reopen(static_cast<power_cut_env::tail>(cut % 3));
    auto found = target->digest(shard);
    EXPECT_TRUE(found == old || found == none);
    EXPECT_TRUE(!finished || found == none);
    ASSERT_TRUE(target->wipe(shard));
    cut_and_reopen(power_cut_env::tail::lost);
    EXPECT_EQ(target->digest(shard), none);
    EXPECT_EQ(target->applied(shard), log_index{});
    EXPECT_EQ(target->digest(neighbour), beside);
    if (HasFailure())
      return;
  }
  EXPECT_TRUE(finished);
}

/// Then it is not compacted, which would flush on the way.
TEST_F(state_moving_faults, a_wipe_under_a_pin_is_durable_too) {
  fill_target(shard, 3);
  fill_target(neighbour, 4);
  ASSERT_TRUE(target->flush());
  auto beside = target->digest(neighbour);
  auto pinned = target->pin(neighbour);
  ASSERT_TRUE(pinned);
  ASSERT_TRUE(target->wipe(shard));
  disk.cut_after_syncs(0);
  pinned->reset();
  target.reset();
  disk.restore_power();
  reopen_target();
  EXPECT_EQ(target->digest(shard), target->digest({7}));
  EXPECT_EQ(target->digest(neighbour), beside);
}

TEST_F(state_moving_faults, a_full_disk_while_staging_leaves_nothing_behind) {
  publish_anything(23, 10);
  const auto chunks = chunks_of(shard);
  auto import = target->stage(shard, stream);
  ASSERT_TRUE(import);
  ASSERT_TRUE((*import)->add(chunks[0]));
  disk.fail_writes(power_cut_env::fault::no_space);
  result<void> done;
  for (std::size_t i = 1; done && i < chunks.size(); ++i)
    done = (*import)->add(chunks[i]);
  if (done)
    done = (*import)->finish();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, errc::unavailable) << done.error().detail;
  EXPECT_EQ((*import)->finish().error().code, errc::unavailable); // still
  EXPECT_EQ(staged_states(), 1u);
  import->reset();
  EXPECT_EQ(staged_states(), 0u);
  EXPECT_EQ(target->install(shard, stream).error().code, errc::not_found);
  disk.fail_writes(power_cut_env::fault::none);
  ASSERT_TRUE(move(shard));
  expect_equal(shard);
}

TEST_F(state_moving_faults, an_install_waits_for_room_on_a_full_disk) {
  publish_anything(24, 10);
  fill_target(shard, 3);
  ASSERT_TRUE(target->flush());
  for (auto suffix : {".sst", "MANIFEST-000005", ".link", ""}) {
    SCOPED_TRACE(suffix);
    ASSERT_TRUE(stage(shard, stream, chunks_of(shard)));
    disk.fail_writes(power_cut_env::fault::no_space, suffix);
    auto done = target->install(shard, stream);
    disk.fail_writes(power_cut_env::fault::none);
    if (!done) {
      EXPECT_EQ(done.error().code, errc::unavailable) << done.error().detail;
    }
    target->resume();
    done = target->install(shard, stream);
    ASSERT_TRUE(done) << done.error().detail;
    expect_equal(shard);
    cut_and_reopen(power_cut_env::tail::torn);
    expect_equal(shard);
  }
}

TEST_F(state_moving_faults, staged_files_that_changed_are_refused) {
  publish_anything(25, 10);
  ASSERT_TRUE(stage(shard, stream, chunks_of(shard)));
  std::filesystem::path some;
  for (auto& x : std::filesystem::recursive_directory_iterator{staging()})
    if (x.path().extension() == ".sst")
      some = x.path();
  ASSERT_FALSE(some.empty());
  const auto size = std::filesystem::file_size(some);
  {
    std::fstream file{some, std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(10).put('?');
  }
  auto done = target->install(shard, stream);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, errc::internal) << done.error().detail;
  std::filesystem::resize_file(some, size - 1);
  done = target->install(shard, stream);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, errc::internal) << done.error().detail;
}

TEST_F(state_moving_faults, wiping_gives_the_space_back) {
  auto fill = [&](shard_id where) {
    publisher other;
    for (int i = 0; i < 300; ++i) {
      std::string noise;
      for (int j = 0; j < 5000; ++j)
        noise.push_back(static_cast<char>('a' + (i * 7919 + j * j * 31) % 26));
      other.add("p", R"({"type":"kb:x","data":{"v":")" + noise + R"("}})");
    }
    auto payload = other.take();
    std::string_view one = payload;
    ASSERT_TRUE(target->apply(where, {1}, std::span{&one, 1}));
    ASSERT_TRUE(target->flush());
  };
  fill(neighbour);
  auto before = target->disk_bytes();
  fill(shard);
  auto beside = target->digest(neighbour);
  EXPECT_GT(target->disk_bytes(), before + before / 2);
  {
    // As long as somebody reads a moment before it, that stays readable.
    auto pinned = target->pin(shard);
    ASSERT_TRUE(pinned);
    auto digest = (*pinned)->digest();
    ASSERT_TRUE(target->wipe(shard));
    EXPECT_EQ((*pinned)->digest(), digest);
  }
  EXPECT_LE(target->disk_bytes(), before + 10'000);
  fill(shard);
  ASSERT_TRUE(target->wipe(shard));
  EXPECT_LE(target->disk_bytes(), before + 10'000);
  EXPECT_EQ(target->digest(neighbour), beside);
}

TEST_F(state_moving_faults, readers_go_on_during_installs_and_wipes) {
  publish_anything(26, 10);
  std::atomic<bool> stop = false;
  std::atomic<std::uint64_t> answers = 0;
  std::thread reader{[&] {
    for (; !stop; ++answers) {
      query::run_detail q{out.room("p0"), {"e1"}};
      auto shown = target->answer(q, [](auto&) { return shard; });
      if (!shown) {
        EXPECT_EQ(shown.error().code, errc::not_found) << shown.error().detail;
      }
      history_request all{out.room("p0"), {}, {}, {}, 64u << 20};
      auto chunk = target->history(shard, all);
      if (!chunk) {
        EXPECT_EQ(chunk.error().code, errc::not_found) << chunk.error().detail;
      }
    }
  }};
  for (int i = 0; i < 12; ++i) {
    auto done = i % 4 == 3 ? target->wipe(shard) : move(shard);
    EXPECT_TRUE(done) << done.error().detail;
    EXPECT_EQ(target->digest(shard),
              i % 4 == 3 ? target->digest({7}) : store->digest(shard));
  }
  stop = true;
  reader.join();
  EXPECT_GT(answers, 0u);
}

std::size_t resident_bytes() {
  std::ifstream in{"/proc/self/statm"};
  std::size_t total = 0, resident = 0;
  in >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

/// 200 MB of rows, some of them large, pass through a few MB.
TEST_F(state_moving_faults, staging_and_exporting_take_little_memory) {
  auto import = target->stage(shard, stream);
  ASSERT_TRUE(import);
  std::string value(1000, 'v');
  row_digest digest;
  const auto before = resident_bytes();
  std::size_t most = 0;
  std::uint32_t number = 0;
  std::uint64_t count = 0, bytes = 0, random = 1;
  while (bytes < 200'000'000) {
    chunk_writer chunk{shard, number++};
    for (int i = 0; i < 100; ++i, ++count) {
      for (std::size_t at = 0; at < 1000; at += 8) { // barely compressible
        random = random * 6364136223846793005u + 1442695040888963407u;
        std::memcpy(value.data() + at, &random, 8);
      }
      value.resize(count % 1000 == 0 ? 1'000'000 : 1000, 'w');
      auto key = "k" + std::to_string(1'000'000'000 + count);
      chunk.add(family::rows, key, value);
      digest.add(family::rows, key, value);
      bytes += value.size();
    }
    if (bytes >= 200'000'000)
      chunk.end({count, digest.value()});
    ASSERT_TRUE((*import)->add(chunk.take()));
    most = std::max(most, resident_bytes());
  }
  ASSERT_TRUE((*import)->finish());
  ASSERT_TRUE(target->install(shard, stream));
  EXPECT_EQ(target->digest(shard), digest.value());
  auto pinned = target->pin(shard);
  ASSERT_TRUE(pinned);
  std::uint64_t exported = 0;
  for (;;) {
    auto chunk = (*pinned)->next(256u << 10);
    ASSERT_TRUE(chunk);
    if (chunk->empty())
      break;
    exported += chunk->size();
    most = std::max(most, resident_bytes());
  }
  EXPECT_GT(exported, bytes);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(most, before + (48u << 20));
#endif
  RecordProperty("grown_bytes", static_cast<int>(most - before));
}

} // namespace
} // namespace callboard::test
