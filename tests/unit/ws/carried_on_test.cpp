// Viewers that come back and name how far they had come in each project of a
// tenant, and what is sent to them only together with events.

#include "tests/unit/ws/viewer_rooms_fixture.hpp"

#include <algorithm>

using namespace callboard;
using namespace callboard::test;

namespace {

using starts = std::vector<std::pair<project_id, event_seq>>;

struct carried_on : viewer_rooms_test {
  void subscribe_tenant(viewer& who, starts xs) {
    viewer_rooms::request x;
    x.view = {room_name(tenant_room), {}, {}};
    x.room = tenant_room;
    x.whole_tenant = true;
    x.starts = std::move(xs);
    rooms.subscribe(who, std::move(x));
  }

  /// Numbers by project, as received.
  counts of(const strings& frames, std::string_view room) {
    strings mine;
    for (auto& x : frames)
      if (x.find(room) != x.npos && x.starts_with("{"))
        mine.push_back(x);
    return numbers_of(mine);
  }
};

struct noting_viewer : fake_viewer {
  using fake_viewer::fake_viewer;

  void note(const std::string& text) {
    push_with_events(outbound_frame::text(text));
  }
};

} // namespace

TEST_F(carried_on, a_tenants_viewer_gets_what_it_missed_then_what_happens) {
  fake_viewer who{1u << 20};
  post(room_a, 5);
  post(room_b, 3);
  subscribe_tenant(who, {{room_a.project, {2}}, {room_b.project, {3}}});
  post(room_a, 2); // before anything is joined
  settle();
  post(room_a, 1);
  post(room_b, 2);
  room_key fresh{{"acme"}, {"fresh"}};
  post(fresh, 1);
  auto frames = received(who);
  EXPECT_EQ(of(frames, "project:a"), (counts{3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(of(frames, "project:b"), (counts{4, 5}));
  EXPECT_EQ(of(frames, "project:fresh"), (counts{1}));
  EXPECT_EQ(who.subscription_count(), 1u);
  rooms.unsubscribe(who, "tenant:acme");
  post(room_a, 1);
  EXPECT_TRUE(received(who).empty());
  rooms.forget(who);
}

TEST_F(carried_on, projects_that_its_token_does_not_reach_stay_hidden) {
  fake_viewer who{1u << 20};
  room_key secret{{"acme"}, {"secret"}};
  post(secret, 3);
  subscribe_tenant(who, {{secret.project, {0}}});
  settle();
  post(secret, 1);
  EXPECT_TRUE(of(received(who), "project:secret").empty());
  rooms.forget(who);
}

TEST_F(carried_on, a_slow_viewer_gets_it_once_all_the_same) {
  fake_viewer who{4u << 10};
  for (int i = 0; i < 50; ++i)
    post(room_a, 1, std::string(300, 'x'));
  subscribe_tenant(who, {{room_a.project, {10}}});
  strings frames;
  for (int i = 0; i < 30; ++i) {
    settle();
    post(room_a, 1, std::string(300, 'x'));
  }
  for (int i = 0; i < 1000 && (who.is_behind() || !who.out.empty()); ++i) {
    for (auto& x : received(who))
      frames.push_back(x);
    rooms.drained(who);
  }
  counts expected;
  for (std::uint64_t n = 11; n <= 80; ++n)
    expected.push_back(n);
  EXPECT_EQ(of(frames, "project:a"), expected);
  rooms.forget(who);
}

TEST_F(carried_on, a_note_is_dropped_with_the_events_before_it) {
  noting_viewer who{4u << 10};
  subscribe(who, room_a);
  settle();
  who.note("nothing before it"); // and so it stays
  post(room_a, 1, std::string(2000, 'x'));
  settle();
  who.note("after 1");
  post(room_a, 2, std::string(2000, 'x'));
  settle();
  EXPECT_EQ(who.lags, 1);
  strings frames;
  for (int i = 0; i < 100 && (who.is_behind() || !who.out.empty()); ++i) {
    for (auto& x : received(who))
      frames.push_back(x);
    rooms.drained(who);
  }
  EXPECT_TRUE(std::ranges::count(frames, "nothing before it"));
  EXPECT_FALSE(std::ranges::count(frames, "after 1"));
  EXPECT_EQ(numbers_of(frames), (counts{1, 2, 3}));
  rooms.forget(who);
}
