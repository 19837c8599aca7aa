#include "storage/state_chunk.hpp"

#include "tests/unit/state/moving_fixture.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace callboard::test {
namespace {

class state_moving : public moving_fixture {
protected:
  errc refusal(const std::vector<std::string>& chunks) {
    auto staged = stage(shard, stream, chunks);
    EXPECT_EQ(staged_states(), 0u); // dropped with its import
    EXPECT_EQ(target->install(shard, stream).error().code, errc::not_found);
    return staged ? errc::none : staged.error().code;
  }
};

TEST_F(state_moving, a_shard_arrives_as_it_is) {
  publish_anything(1, 20);
  out.add("p0", R"({"type":"kb:x","data":{"big":")" + std::string(900'000, 'x')
                  + R"("}})");
  out.trim("p0", {20});
  command_arguments create;
  create.what = run_command::create;
  create.run = {"queued"};
  create.fields = R"({"queue":"gpu"})";
  ASSERT_TRUE(out.order("q", create));
  ASSERT_TRUE(apply());
  fill_target(shard, 5);
  fill_target(neighbour, 6);
  auto beside = target->digest(neighbour);
  ASSERT_TRUE(move(shard));
  expect_equal(shard);
  EXPECT_EQ(target->digest(neighbour), beside);
  // It is read and written like the one that it was made from.
  for (auto run : {"e0", "e1", "e2", "e3", "e4"}) {
    query::run_detail q{out.room("p0"), {run}};
    EXPECT_EQ(*target->answer(q, [](auto&) { return shard; }), ask(q));
  }
  random_history history{out, 9};
  for (int i = 0; i < 300; ++i)
    history.step();
  ASSERT_TRUE(apply());
  std::string_view last = payloads.back();
  ASSERT_TRUE(target->apply(shard, {payloads.size()}, std::span{&last, 1}));
  expect_equal(shard);
}

TEST_F(state_moving, a_fresh_node_gets_a_shard_and_keeps_it) {
  publish_anything(2, 10);
  ASSERT_TRUE(move(shard));
  ASSERT_TRUE(target->drop_staged(shard));
  EXPECT_EQ(staged_states(), 0u);
  reopen_target();
  expect_equal(shard);
  ASSERT_TRUE(target->flush());
}

TEST_F(state_moving, the_digest_of_a_pin_is_that_of_the_store) {
  publish_anything(3, 5);
  auto pinned = store->pin(shard);
  ASSERT_TRUE(pinned);
  EXPECT_EQ((*pinned)->digest(), store->digest(shard));
  EXPECT_EQ((*pinned)->applied(), log_index{5});
  ASSERT_TRUE((*pinned)->next(1000));
  EXPECT_EQ((*pinned)->digest(), store->digest(shard));
}

TEST_F(state_moving, a_pin_sees_one_moment_while_writing_goes_on) {
  publish_anything(4, 10);
  auto expected = store->digest(shard);
  auto pinned = store->pin(shard);
  ASSERT_TRUE(pinned);
  std::vector<std::string> chunks;
  random_history history{out, 11};
  for (;;) {
    auto chunk = (*pinned)->next(8000);
    ASSERT_TRUE(chunk);
    if (chunk->empty())
      break;
    chunks.push_back(std::move(*chunk));
    for (int i = 0; i < 20; ++i)
      history.step();
    ASSERT_TRUE(apply());
    if (chunks.size() % 3 == 0) {
      ASSERT_TRUE(store->flush());
    }
  }
  EXPECT_GT(chunks.size(), 5u);
  ASSERT_TRUE(stage(shard, stream, chunks));
  ASSERT_TRUE(target->install(shard, stream));
  EXPECT_EQ(target->digest(shard), expected);
  EXPECT_NE(target->digest(shard), store->digest(shard));
  EXPECT_EQ(target->applied(shard), log_index{10});
  // The entries behind it bring the rest.
  std::vector<std::string_view> rest(payloads.begin() + 10, payloads.end());
  ASSERT_TRUE(target->apply(shard, {payloads.size()}, rest));
  expect_equal(shard);
}

TEST_F(state_moving, an_empty_shard_is_a_state_too) {
  fill_target(shard, 3);
  ASSERT_TRUE(move(shard));
  expect_equal(shard);
  EXPECT_EQ(target->applied(shard), log_index{});
}

TEST_F(state_moving, the_directory_moves_like_every_shard) {
  auto one = map_entry("map one");
  std::string_view payload = one;
  ASSERT_TRUE(store->apply(directory_shard, {7}, std::span{&payload, 1}));
  fill_target(neighbour, 2);
  auto beside = target->digest(neighbour);
  ASSERT_TRUE(move(directory_shard));
  expect_equal(directory_shard);
  EXPECT_EQ(target->cluster_map_bytes(), "map one");
  ASSERT_TRUE(target->wipe(directory_shard));
  EXPECT_EQ(target->cluster_map_bytes(), "");
  EXPECT_EQ(target->applied(directory_shard), log_index{});
  EXPECT_EQ(target->digest(neighbour), beside);
}

TEST_F(state_moving, chunks_are_about_as_large_as_asked) {
  publish_anything(5, 10);
  const auto chunks = chunks_of(shard, 20'000);
  EXPECT_GT(chunks.size(), 3u);
  for (auto& chunk : chunks)
    EXPECT_LE(chunk.size(), 20'100u);
  // However small: a row at a time.
  ASSERT_TRUE(stage(shard, stream, chunks_of(shard, 1)));
  ASSERT_TRUE(target->install(shard, stream));
  expect_equal(shard);
}

TEST_F(state_moving, a_damaged_chunk_is_refused) {
  publish_anything(6, 3);
  const auto good = chunks_of(shard);
  for (std::size_t at = 0; at < good[1].size(); at += 61) {
    auto chunks = good;
    chunks[1][at] = static_cast<char>(chunks[1][at] ^ 1);
    EXPECT_EQ(refusal(chunks), errc::invalid) << at;
  }
  auto cut = good;
  cut[1].resize(cut[1].size() / 2);
  EXPECT_EQ(refusal(cut), errc::invalid);
  cut[1].clear();
  EXPECT_EQ(refusal(cut), errc::invalid);
}

TEST_F(state_moving, chunks_out_of_order_are_refused) {
  publish_anything(7, 5);
  const auto good = chunks_of(shard);
  ASSERT_GT(good.size(), 4u);
  auto swapped = good;
  std::swap(swapped[1], swapped[2]);
  EXPECT_EQ(refusal(swapped), errc::invalid);
  auto twice = good;
  twice.insert(twice.begin() + 1, good[1]);
  EXPECT_EQ(refusal(twice), errc::invalid);
  auto gap = good;
  gap.erase(gap.begin() + 1);
  EXPECT_EQ(refusal(gap), errc::invalid);
  auto more = good;
  more.push_back(good.back());
  EXPECT_EQ(refusal(more), errc::invalid);
  auto early = good;
  early.pop_back();
  EXPECT_EQ(refusal(early), errc::invalid);
}

TEST_F(state_moving, rows_out_of_order_or_missing_are_refused) {
  chunk_writer backwards{shard, 0};
  backwards.add(family::rows, "b", "1");
  backwards.add(family::rows, "a", "1");
  EXPECT_EQ(refusal({backwards.take()}), errc::invalid);
  chunk_writer twice{shard, 0};
  twice.add(family::rows, "b", "1");
  twice.add(family::rows, "b", "1");
  EXPECT_EQ(refusal({twice.take()}), errc::invalid);
  chunk_writer families{shard, 0};
  families.add(family::index, "a", "1");
  families.add(family::events, "b", "1");
  EXPECT_EQ(refusal({families.take()}), errc::invalid);
  chunk_writer meta{shard, 0};
  meta.add(family::meta, "format", "9");
  EXPECT_EQ(refusal({meta.take()}), errc::invalid);
  chunk_writer fewer{shard, 0};
  fewer.add(family::rows, "a", "1");
  fewer.end({2, 4711});
  EXPECT_EQ(refusal({fewer.take()}), errc::invalid);
  chunk_writer trailing{shard, 0};
  trailing.end({0, 4711});
  trailing.add(family::rows, "a", "1");
  EXPECT_EQ(refusal({trailing.take()}), errc::invalid);
}

TEST_F(state_moving, a_state_of_another_shard_is_refused) {
  publish_anything(8, 2);
  auto staged = stage(neighbour, stream, chunks_of(shard));
  ASSERT_FALSE(staged);
  EXPECT_EQ(staged.error().code, errc::invalid);
  EXPECT_NE(staged.error().detail.find("another shard"), std::string::npos);
}

TEST_F(state_moving, a_later_stream_takes_the_place_of_an_earlier_one) {
  publish_anything(9, 5);
  const auto chunks = chunks_of(shard);
  auto first = target->stage(shard, {1});
  ASSERT_TRUE(first);
  ASSERT_TRUE((*first)->add(chunks[0]));
  auto second = target->stage(shard, {2});
  ASSERT_TRUE(second);
  EXPECT_EQ((*first)->add(chunks[1]).error().code, errc::conflict);
  EXPECT_EQ((*first)->finish().error().code, errc::conflict);
  for (auto& chunk : chunks)
    ASSERT_TRUE((*second)->add(chunk));
  first->reset(); // touches nothing of the second
  ASSERT_TRUE((*second)->finish());
  second->reset();
  EXPECT_EQ(target->install(shard, {1}).error().code, errc::not_found);
  ASSERT_TRUE(target->install(shard, {2}));
  expect_equal(shard);
  // The same number again is another attempt.
  auto third = target->stage(shard, {2});
  ASSERT_TRUE(third);
  EXPECT_EQ(target->install(shard, {2}).error().code, errc::not_found);
}

TEST_F(state_moving, what_is_staged_is_kept_or_dropped_by_name) {
  publish_anything(10, 2);
  ASSERT_TRUE(stage(shard, {1}, chunks_of(shard)));
  ASSERT_TRUE(stage(neighbour, {2}, chunks_of(neighbour)));
  ASSERT_TRUE(stage(directory_shard, {3}, chunks_of(directory_shard)));
  EXPECT_EQ(staged_states(), 3u);
  reopen_target(); // drops nothing
  EXPECT_EQ(staged_states(), 3u);
  const staged_state keep{shard, {1}};
  ASSERT_TRUE(target->drop_staged_except(std::span{&keep, 1}));
  EXPECT_EQ(staged_states(), 1u);
  ASSERT_TRUE(target->install(shard, {1}));
  expect_equal(shard);
  ASSERT_TRUE(target->drop_staged_except({}));
  EXPECT_EQ(staged_states(), 0u);
}

TEST_F(state_moving, an_install_may_be_repeated_until_it_is_dropped) {
  publish_anything(11, 10);
  ASSERT_TRUE(stage(shard, stream, chunks_of(shard)));
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(target->install(shard, stream));
    expect_equal(shard);
    if (i == 1)
      reopen_target();
  }
  // Also when entries were applied since: it is the staged state again.
  fill_target(neighbour, 1);
  ASSERT_TRUE(target->install(shard, stream));
  expect_equal(shard);
  ASSERT_TRUE(target->drop_staged(shard));
  EXPECT_EQ(target->install(shard, stream).error().code, errc::not_found);
  expect_equal(shard);
}

TEST_F(state_moving, a_view_from_before_an_install_sees_the_old_state) {
  publish_anything(12, 10);
  fill_target(shard, 3);
  ASSERT_TRUE(target->flush());
  auto before = target->digest(shard);
  auto pinned = target->pin(shard);
  ASSERT_TRUE(pinned);
  ASSERT_TRUE(move(shard));
  EXPECT_EQ((*pinned)->digest(), before);
  EXPECT_GT(chunks_of(**pinned).size(), 1u);
  EXPECT_EQ((*pinned)->digest(), before);
  expect_equal(shard);
  pinned->reset();
  expect_equal(shard);
  reopen_target();
  expect_equal(shard);
}

TEST_F(state_moving, flushing_goes_on_after_an_install) {
  publish_anything(13, 5);
  ASSERT_TRUE(move(shard));
  ASSERT_TRUE(target->flush());
  fill_target(neighbour, 1);
  ASSERT_TRUE(target->flush());
  disk.cut_after_syncs(0);
  target.reset();
  disk.restore_power();
  reopen_target();
  expect_equal(shard);
  EXPECT_EQ(target->applied(neighbour), log_index{1001});
}

} // namespace
} // namespace callboard::test
