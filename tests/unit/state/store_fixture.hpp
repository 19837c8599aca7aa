#pragma once

#include "storage/state_store.hpp"

#include "tests/support/temp_dir.hpp"
#include "tests/unit/state/publisher.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace callboard::test {

/// A state store in a folder of its own, fed by a publisher; all on shard 3
/// of 8.
class store_fixture : public ::testing::Test {
protected:
  static constexpr shard_id shard{3};
  static constexpr std::uint32_t shards = 8;

  void SetUp() override {
    reopen();
  }

  /// Closes the store and opens it again.
  void reopen() {
    store.reset();
    auto opened = state_store::open(options(), shards);
    ASSERT_TRUE(opened) << opened.error().detail;
    store = std::move(*opened);
  }

  virtual storage_options options() {
    return {.dir = dir.path(),
            .block_cache_bytes = 8u << 20,
            .write_buffer_bytes = 8u << 20};
  }

  /// Applies what was published as the next entry.
  result<void> apply() {
    auto payload = out.take();
    payloads.push_back(payload);
    std::string_view one = payload;
    return store->apply(shard, {payloads.size()}, std::span{&one, 1});
  }

  std::string ask(const query::any& q) {
    auto answered = store->answer(q, [](auto&) { return shard; });
    return answered ? *answered : "(" + answered.error().detail + ")";
  }

  errc refusal(const query::any& q) {
    auto answered = store->answer(q, [](auto&) { return shard; });
    return answered ? errc::none : answered.error().code;
  }

  std::string detail(const std::string& project, const std::string& run) {
    return ask(query::run_detail{out.room(project), {run}});
  }

  temp_dir dir;
  publisher out;
  std::vector<std::string> payloads; ///< Of all entries, from index 1.
  std::unique_ptr<state_store> store;
};

} // namespace callboard::test
