#include "tests/unit/state/store_fixture.hpp"

#include <gtest/gtest.h>

namespace callboard::test {
namespace {

class state_history_test : public store_fixture {
protected:
  history_chunk history(history_request request) {
    auto chunk = store->history(shard, request);
    EXPECT_TRUE(chunk) << chunk.error().detail;
    return chunk ? std::move(*chunk) : history_chunk{};
  }

  history_request after(std::uint64_t seq) const {
    history_request out_request;
    out_request.room = out.room("p");
    out_request.after = {seq};
    return out_request;
  }

  /// 30 events: runs e0, e1, e2 in turn, each a field, a log and a note.
  void publish() {
    for (int i = 0; i < 30; ++i) {
      auto run = "e" + std::to_string(i % 3);
      out.add("p", i % 9 < 3   ? run_event(run, R"({"n":1})")
                   : i % 9 < 6 ? timeline_event(run, R"({"kind":"log"})")
                               : timeline_event(run, R"({"kind":"note"})"));
    }
    ASSERT_TRUE(apply());
  }
};

TEST_F(state_history_test, gives_the_frames_as_they_were_numbered) {
  publish();
  auto chunk = history(after(10));
  ASSERT_EQ(chunk.events.size(), 20u);
  EXPECT_EQ(chunk.through, event_seq{30});
  EXPECT_EQ(chunk.head, event_seq{30});
  EXPECT_EQ(chunk.oldest, event_seq{1});
  for (std::size_t i = 0; i < 20; ++i) {
    auto& event = chunk.events[i];
    auto& expected = out.log[10 + i];
    EXPECT_EQ(event.seq, expected.seq);
    EXPECT_EQ(*event.frame, frame_text(expected.seq, expected.record.tail));
    EXPECT_EQ(event.type_name, expected.record.type_name());
    EXPECT_EQ(event.run, expected.record.run);
    EXPECT_GE(event.type_name.data(), event.frame->data());
    EXPECT_LE(event.type_name.data(),
              event.frame->data() + event.frame->size());
  }
}

TEST_F(state_history_test, goes_on_where_a_chunk_ended) {
  publish();
  auto request = after(0);
  request.max_bytes = 500;
  std::uint64_t expected = 1;
  int chunks = 0;
  while (request.after < event_seq{30}) {
    auto chunk = history(request);
    ASSERT_GT(chunk.through, request.after);
    for (auto& event : chunk.events)
      EXPECT_EQ(event.seq.value, expected++);
    request.after = chunk.through;
    ++chunks;
  }
  EXPECT_EQ(expected, 31u);
  EXPECT_GT(chunks, 3);
}

TEST_F(state_history_test, a_run_sees_its_own_events_in_order) {
  publish();
  auto request = after(4);
  request.run = run_id{"e1"};
  request.max_bytes = 500;
  std::vector<std::uint64_t> seen;
  while (request.after < event_seq{30}) {
    auto chunk = history(request);
    for (auto& event : chunk.events)
      seen.push_back(event.seq.value);
    request.after = chunk.through;
  }
  EXPECT_EQ(seen,
            (std::vector<std::uint64_t>{5, 8, 11, 14, 17, 20, 23, 26, 29}));
}

TEST_F(state_history_test, a_filter_that_lets_nothing_through_still_gets_on) {
  publish();
  auto request = after(0);
  request.types = {"kb:*"};
  request.max_bytes = 100;
  int chunks = 0;
  while (request.after < event_seq{30}) {
    auto chunk = history(request);
    EXPECT_TRUE(chunk.events.empty());
    ASSERT_GT(chunk.through, request.after);
    request.after = chunk.through;
    ++chunks;
  }
  EXPECT_GT(chunks, 1); // bounded work per chunk
}

TEST_F(state_history_test, beyond_the_head_there_is_nothing) {
  publish();
  auto chunk = history(after(99));
  EXPECT_TRUE(chunk.events.empty());
  EXPECT_EQ(chunk.head, event_seq{30});
}

TEST_F(state_history_test, trimmed_events_are_gone_from_everywhere) {
  publish();
  out.trim("p", {12});
  ASSERT_TRUE(apply());
  auto chunk = history(after(3));
  EXPECT_EQ(chunk.oldest, event_seq{13});
  ASSERT_EQ(chunk.events.size(), 18u);
  EXPECT_EQ(chunk.events.front().seq, event_seq{13});
  auto request = after(0);
  request.run = run_id{"e0"};
  EXPECT_EQ(history(request).events.front().seq, event_seq{13});
  query::run_page logs{.room = out.room("p"),
                       .run = {"e0"},
                       .part = query::run_part::logs,
                       .limit = 50,
                       .cursor = {}};
  EXPECT_EQ(items_of(ask(logs)), 2u);         // 13 and 22; 4 is gone
  EXPECT_EQ(at(detail("p", "e0"), "n"), "1"); // the state stays
  EXPECT_EQ(store->load_room(shard, out.room("p"))->oldest, event_seq{13});
}

TEST_F(state_history_test,
       ids_of_a_run_are_known_until_it_ended_and_is_trimmed) {
  out.add("p", R"({"id":"x",)"
                 + run_event("e1", R"({"status":"running"})").substr(1));
  out.add("p", R"({"id":"c","type":"kb:a","data":{}})");
  out.trim("p", {2});
  ASSERT_TRUE(apply());
  auto room = out.room("p");
  EXPECT_EQ(store->find_event(shard, room, {"e1"}, "x"), event_seq{1});
  EXPECT_EQ(store->find_event(shard, room, {}, "c"), std::nullopt);
  out.add("p", R"({"id":"y",)"
                 + run_event("e1", R"({"status":"completed"})").substr(1));
  ASSERT_TRUE(apply());
  EXPECT_EQ(store->find_event(shard, room, {"e1"}, "x"), event_seq{1});
  out.trim("p", {3});
  ASSERT_TRUE(apply());
  EXPECT_EQ(store->find_event(shard, room, {"e1"}, "x"), std::nullopt);
  EXPECT_EQ(store->find_event(shard, room, {"e1"}, "y"), std::nullopt);
}

TEST_F(state_history_test, a_long_trim_takes_the_whole_range) {
  for (int i = 0; i < 1000; ++i)
    out.add("p", timeline_event("e1", R"({"kind":"log"})"));
  ASSERT_TRUE(apply());
  out.trim("p", {999});
  ASSERT_TRUE(apply());
  auto chunk = history(after(0));
  ASSERT_EQ(chunk.events.size(), 1u);
  EXPECT_EQ(chunk.events.front().seq, event_seq{1000});
}

} // namespace
} // namespace callboard::test
