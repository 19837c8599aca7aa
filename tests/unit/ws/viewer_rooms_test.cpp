#include "tests/unit/ws/viewer_rooms_fixture.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string>

namespace callboard {
namespace {

using namespace test;
using namespace std::chrono_literals;

TEST_F(viewer_rooms_test, without_since_a_viewer_gets_what_comes_from_now_on) {
  fake_viewer who{1u << 20};
  post(room_a, 3);
  subscribe(who, room_a);
  settle();
  post(room_a, 2);
  auto frames = received(who);
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_EQ(frames[0], "subscribed project:a 3");
  EXPECT_EQ(numbers_of(frames), (counts{4, 5}));
  rooms.forget(who);
}

TEST_F(viewer_rooms_test, with_since_history_comes_first_and_live_follows) {
  fake_viewer who{1u << 20};
  post(room_a, 5);
  subscribe(who, room_a, 2);
  settle();
  post(room_a, 2);
  auto frames = received(who);
  EXPECT_EQ(frames[0], "subscribed project:a 5");
  EXPECT_EQ(numbers_of(frames), (counts{3, 4, 5, 6, 7}));
  rooms.forget(who);
}

TEST_F(viewer_rooms_test, a_viewer_slightly_behind_needs_no_history_read) {
  fake_viewer first{1u << 20}, second{1u << 20};
  subscribe(first, room_a);
  settle();
  post(room_a, 5);
  settle();
  auto before = engine.history_reads();
  subscribe(second, room_a, 3);
  EXPECT_EQ(numbers_of(received(second)), (counts{4, 5}));
  EXPECT_EQ(engine.history_reads(), before);
  rooms.forget(first);
  rooms.forget(second);
}

TEST_F(viewer_rooms_test, a_since_that_this_hub_has_not_heard_of_is_no_resync) {
  fake_viewer who{1u << 20};
  subscribe(who, room_a);
  settle();
  post(room_a, 2); // the batch is still on its way to the hub
  subscribe(who, room_a, 1);
  while (deliver_answer()) {
  }
  post(room_a, 1);
  auto frames = received(who);
  EXPECT_EQ(frames[1], "subscribed project:a 1");
  EXPECT_EQ(numbers_of(frames), (counts{2, 3}));
  rooms.forget(who);
}

TEST_F(viewer_rooms_test, a_since_beyond_the_rooms_head_is_a_resync) {
  fake_viewer who{1u << 20};
  post(room_a, 2);
  subscribe(who, room_a, 99);
  settle();
  post(room_a, 1);
  auto frames = received(who);
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_EQ(frames[0], "subscribed project:a 2");
  EXPECT_EQ(frames[1], "resync project:a 1");
  EXPECT_EQ(numbers_of(frames), (counts{3}));
  rooms.forget(who);
}

TEST_F(viewer_rooms_test, a_since_that_is_no_longer_kept_is_a_resync) {
  fake_viewer who{1u << 20};
  post(room_a, 10);
  engine.trim(room_a, {6});
  subscribe(who, room_a, 3);
  settle();
  post(room_a, 1);
  auto frames = received(who);
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_EQ(frames[0], "subscribed project:a 10");
  EXPECT_EQ(frames[1], "resync project:a 6");
  EXPECT_EQ(numbers_of(frames), (counts{11}));
  subscribe(who, room_a, 5); // all after 5 is kept
  EXPECT_EQ(numbers_of(received(who)), (counts{6, 7, 8, 9, 10, 11}));
  rooms.forget(who);
}

TEST_F(viewer_rooms_test, views_show_only_their_run_and_their_types) {
  fake_viewer run{1u << 20}, types{1u << 20};
  engine.post(room_a, {{"x:one", "r1"}, {"x:two", "r2"}, {"y:one", "r1"}});
  subscribe(run, room_a, 0, {}, run_id{"r1"});
  subscribe(types, room_a, 0, {"x:*"});
  settle();
  engine.post(room_a, {{"x:one", "r1"}, {"x:two", "r2"}, {"y:one", "r1"}});
  EXPECT_EQ(numbers_of(received(run)), (counts{1, 3, 4, 6}));
  EXPECT_EQ(numbers_of(received(types)), (counts{1, 2, 4, 5}));
  rooms.forget(run);
  rooms.forget(types);
}

TEST_F(viewer_rooms_test, a_late_joiner_gets_snapshots_before_stream_chunks) {
  fake_viewer who{1u << 20};
  fake_engine::draft chunk{"workflow:execution:step:stream", "r", "b", true};
  engine.set_stream(room_a, "r", "a");
  subscribe(who, room_a);
  deliver_signal(); // joined; the snapshots are still on their way
  auto snapshots = std::move(signals_.front());
  signals_.clear();
  engine.post(room_a, {chunk}); // is in the snapshot
  settle();
  signals_.push_back(std::move(snapshots));
  settle();
  chunk.text = "c";
  engine.post(room_a, {chunk});
  auto frames = received(who);
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_NE(frames[1].find("\"text\":\"a\""), std::string::npos);
  EXPECT_NE(frames[2].find("\"text\":\"c\""), std::string::npos);
  rooms.forget(who);
}

TEST_F(viewer_rooms_test,
       a_viewer_that_does_not_read_is_carried_on_from_history) {
  fake_viewer slow{8u << 10}, quick{8u << 10};
  subscribe(slow, room_a, 0);
  subscribe(quick, room_a, 0);
  settle();
  strings quick_frames;
  std::size_t most = 0;
  for (int i = 0; i < 100; ++i) {
    post(room_a, 5, std::string(200, 'x'));
    for (auto& x : received(quick))
      quick_frames.push_back(x);
    most = std::max(most, slow.out.event_bytes());
  }
  EXPECT_EQ(quick.lags, 0);
  EXPECT_GE(slow.lags, 1);
  EXPECT_LE(most, 16u << 10);
  strings frames;
  for (int i = 0; i < 10'000 && (slow.is_behind() || !slow.out.empty()); ++i) {
    slow.read(1000);
    if (slow.out.low())
      rooms.drained(slow);
    settle();
    for (auto& x : slow.frames())
      frames.push_back(x);
  }
  counts all;
  for (std::uint64_t i = 1; i <= 500; ++i)
    all.push_back(i);
  std::erase_if(frames, [](auto& x) { return x.starts_with("lagged"); });
  EXPECT_EQ(numbers_of(frames), all);
  EXPECT_EQ(numbers_of(quick_frames), all);
  rooms.forget(slow);
  rooms.forget(quick);
}

TEST_F(viewer_rooms_test, lagged_names_the_first_number_that_comes_again) {
  fake_viewer slow{1000};
  subscribe(slow, room_a, 0);
  EXPECT_EQ(received(slow).size(), 1u);
  post(room_a, 1, std::string(400, 'x'));
  settle();
  slow.read(10); // number 1 has begun
  post(room_a, 1, std::string(400, 'x'));
  post(room_a, 1, std::string(400, 'x'));
  auto frames = received(slow);
  ASSERT_GE(frames.size(), 2u);
  EXPECT_EQ(frames[1], "lagged project:a 2");
  rooms.drained(slow);
  for (auto& x : received(slow))
    frames.push_back(x);
  rooms.drained(slow);
  for (auto& x : received(slow))
    frames.push_back(x);
  frames.erase(frames.begin() + 1);
  EXPECT_EQ(numbers_of(frames), (counts{1, 2, 3}));
  rooms.forget(slow);
}

TEST_F(viewer_rooms_test, a_history_read_that_a_full_queue_overtook_is_void) {
  fake_viewer who{4u << 10};
  post(room_a, 20, std::string(200, 'x'));
  subscribe(who, room_a, 0);
  subscribe(who, room_b);
  settle();
  who.read(600); // some of room a's first chunk is still queued
  rooms.drained(who);
  ASSERT_FALSE(answers_.empty()); // the second chunk is on its way
  post(room_b, 30, std::string(200, 'x'));
  while (deliver_signal()) {
  }
  EXPECT_GE(who.lags, 2);
  counts a, b;
  for (int i = 0; i < 100; ++i) {
    for (auto& x : received(who))
      for (auto n : numbers(x))
        (x.find("project:a") != x.npos ? a : b).push_back(n);
    rooms.drained(who);
  }
  counts all(30);
  std::iota(all.begin(), all.end(), 1);
  EXPECT_EQ(b, all);
  all.resize(20);
  EXPECT_EQ(a, all);
  rooms.forget(who);
}

TEST_F(viewer_rooms_test, a_lost_room_is_joined_again_without_gap_or_repeat) {
  fake_viewer who{1u << 20};
  subscribe(who, room_a, 0);
  post(room_a, 2);
  settle();
  engine.lose(room_a);
  post(room_a, 3); // nobody is told of these
  settle();
  post(room_a, 1);
  EXPECT_EQ(numbers_of(received(who)), (counts{1, 2, 3, 4, 5, 6}));
  rooms.forget(who);
}

TEST_F(viewer_rooms_test, a_refused_history_read_is_tried_again) {
  fake_viewer who{1u << 20};
  post(room_a, 3);
  engine.refuse_history(2);
  subscribe(who, room_a, 0);
  EXPECT_TRUE(numbers_of(received(who)).empty());
  for (int i = 0; i < 10; ++i) {
    pass(250ms);
    settle();
  }
  EXPECT_EQ(numbers_of(received(who)), (counts{1, 2, 3}));
  rooms.forget(who);
}

TEST_F(viewer_rooms_test, an_empty_room_is_left_after_a_while) {
  fake_viewer who{1u << 20};
  pass(0ms);
  subscribe(who, room_a);
  settle();
  EXPECT_TRUE(rooms.unsubscribe(who, "project:a"));
  EXPECT_FALSE(rooms.unsubscribe(who, "project:a"));
  pass(1s);
  EXPECT_EQ(engine.hubs_in(room_a), 1u);
  pass(10s);
  EXPECT_EQ(engine.hubs_in(room_a), 0u);
}

TEST_F(viewer_rooms_test, a_tenants_viewer_sees_all_projects_that_it_reaches) {
  fake_viewer who{1u << 20};
  post(tenant_room, 1);
  subscribe(who, tenant_room, 0);
  settle();
  post(room_a, 2);
  post(tenant_room, 1);
  post(room_b, 1);
  post({{"acme"}, {"secret"}}, 1);
  post({{"other"}, {"a"}}, 1);
  auto frames = received(who);
  EXPECT_EQ(numbers_of(frames), (counts{1, 1, 2, 2, 1}));
  EXPECT_EQ(who.subscription_count(), 1u);
  rooms.unsubscribe(who, "tenant:acme");
  post(room_a, 1);
  EXPECT_TRUE(received(who).empty());
  rooms.forget(who);
}

TEST_F(viewer_rooms_test,
       a_slow_tenants_viewer_misses_nothing_of_its_projects) {
  fake_viewer who{4u << 10};
  subscribe(who, tenant_room);
  settle();
  for (int i = 0; i < 30; ++i) {
    post(room_a, 2, std::string(200, 'x'));
    post(room_b, 1, std::string(200, 'x'));
    settle();
  }
  EXPECT_GE(who.lags, 1);
  strings frames;
  for (int i = 0; i < 1000 && (who.is_behind() || !who.out.empty()); ++i) {
    for (auto& x : received(who))
      frames.push_back(x);
    rooms.drained(who);
  }
  counts a, b;
  for (auto& x : frames)
    for (auto n : numbers(x))
      (x.find("project:a") != x.npos ? a : b).push_back(n);
  EXPECT_EQ(a.size(), 60u);
  EXPECT_EQ(b.size(), 30u);
  EXPECT_TRUE(std::ranges::is_sorted(a));
  EXPECT_TRUE(std::ranges::is_sorted(b));
  rooms.forget(who);
}

TEST_F(viewer_rooms_test, batching_viewers_get_runs_of_events_in_one_frame) {
  fake_viewer who{1u << 20};
  who.batching = true;
  post(room_a, 10);
  subscribe(who, room_a, 0);
  settle();
  post(room_a, 10);
  auto frames = received(who);
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_TRUE(frames[1].starts_with(
    R"({"type":"events","room":"project:a","events":[{"seq":1,)"));
  EXPECT_TRUE(frames[1].ends_with("}]}"));
  EXPECT_EQ(numbers_of(frames).size(), 20u);
  rooms.forget(who);
}

} // namespace
} // namespace callboard
