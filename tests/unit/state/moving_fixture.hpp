#pragma once

#include "actors/model/cluster_map.hpp"
#include "storage/state_transfer.hpp"

#include "tests/support/power_cut_env.hpp"
#include "tests/unit/state/random_history.hpp"
#include "tests/unit/state/store_fixture.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace callboard::test {

/// Two nodes: `store`, which is fed, and `target`, which gets the state. The
/// target's disk can be cut off.
class moving_fixture : public store_fixture {
protected:
  static constexpr shard_id neighbour{4};
  static constexpr stream_id stream{77};

  void SetUp() override {
    store_fixture::SetUp();
    reopen_target();
  }

  void TearDown() override {
    target.reset(); // before its disk
  }

  storage_options target_options() {
    return {.dir = target_dir.path(),
            .block_cache_bytes = 8u << 20,
            .write_buffer_bytes = 8u << 20,
            .flush_after_log_bytes = 1u << 20,
            .env = &disk};
  }

  void reopen_target() {
    target.reset();
    auto opened = state_store::open(target_options(), shards);
    ASSERT_TRUE(opened) << opened.error().detail;
    target = std::move(*opened);
  }

  /// Runs, steps, artifacts, definitions, counters, large values.
  void publish_anything(std::uint32_t seed, int entries) {
    random_history history{out, seed};
    for (int entry = 0; entry < entries; ++entry) {
      for (int i = 0; i < 30; ++i)
        history.step();
      ASSERT_TRUE(apply());
    }
  }

  /// Gives a shard of the target rows of its own.
  void fill_target(shard_id where, std::uint32_t seed) {
    publisher other;
    random_history history{other, seed};
    for (int i = 0; i < 200; ++i)
      history.step();
    auto payload = other.take();
    std::string_view one = payload;
    auto done = target->apply(where, {1000 + seed}, std::span{&one, 1});
    ASSERT_TRUE(done) << done.error().detail;
  }

  std::vector<std::string> chunks_of(state_export& from,
                                     std::size_t max_bytes = 4096) {
    std::vector<std::string> chunks;
    for (;;) {
      auto chunk = from.next(max_bytes);
      EXPECT_TRUE(chunk) << chunk.error().detail;
      if (!chunk || chunk->empty())
        return chunks;
      chunks.push_back(std::move(*chunk));
    }
  }

  std::vector<std::string> chunks_of(shard_id from,
                                     std::size_t max_bytes = 4096) {
    auto pinned = store->pin(from);
    EXPECT_TRUE(pinned) << pinned.error().detail;
    return chunks_of(**pinned, max_bytes);
  }

  /// Stages chunks on the target. The first thing that goes wrong.
  result<void> stage(shard_id where, stream_id as,
                     const std::vector<std::string>& chunks) {
    auto import = target->stage(where, as);
    if (!import)
      return tl::unexpected{import.error()};
    for (auto& chunk : chunks)
      if (auto done = (*import)->add(chunk); !done)
        return done;
    return (*import)->finish();
  }

  result<void> move(shard_id which, stream_id as = stream) {
    if (auto done = stage(which, as, chunks_of(which)); !done)
      return done;
    return target->install(which, as);
  }

  std::filesystem::path staging() const {
    return target_dir.path() / "state-staging";
  }

  std::size_t staged_states() const {
    std::error_code none;
    std::filesystem::directory_iterator it{staging(), none};
    return static_cast<std::size_t>(std::distance(begin(it), end(it)));
  }

  void expect_equal(shard_id which) {
    EXPECT_EQ(target->digest(which), store->digest(which));
    EXPECT_EQ(target->applied(which), store->applied(which));
  }

  temp_dir target_dir;
  power_cut_env disk;
  std::unique_ptr<state_store> target;
};

} // namespace callboard::test
