#include "transport/edge_metrics.hpp"
#include "transport/viewer_rooms.hpp"

#include "tests/unit/ws/fake_engine.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <string>

namespace callboard {
namespace {

using test::fake_engine;
using namespace std::chrono_literals;

const room_key room_a{{"acme"}, {"a"}};
const room_key room_b{{"acme"}, {"b"}};
const room_key tenant_room{{"acme"}, {}};

/// A viewer without a socket: the test decides when it reads.
class fake_viewer : public viewer {
public:
  using viewer::viewer;

  bool reaches(const project_id& project) const override {
    return project.value != "secret";
  }
  void subscribed(const subscription& x, event_seq head,
                  std::uint64_t) override {
    say("subscribed " + x.name() + " " + std::to_string(head.value));
  }
  void lagged(const subscription& x, event_seq from) override {
    ++lags;
    say("lagged " + x.name() + " " + std::to_string(from.value));
  }
  void resync(const subscription& x, event_seq oldest) override {
    say("resync " + x.name() + " " + std::to_string(oldest.value));
  }
  void wake() override {
    ++wakes;
  }

  /// Takes up to `max` bytes off the queue, like a socket that has room.
  void read(std::size_t max) {
    std::array<std::string_view, 64> pieces;
    while (max > 0 && !out.empty()) {
      auto n = out.gather(pieces, max);
      std::size_t taken = 0;
      for (std::size_t i = 0; i < n && taken < max; ++i) {
        auto piece = pieces[i].substr(0, max - taken);
        wire += piece;
        taken += piece.size();
      }
      out.consume(taken);
      max -= taken;
    }
  }

  /// The texts of the frames that have arrived completely.
  std::vector<std::string> frames() {
    std::vector<std::string> xs;
    std::size_t at = 0;
    while (wire.size() - at >= 2) {
      auto size = static_cast<unsigned char>(wire[at + 1]) + std::size_t{0};
      std::size_t header = 2;
      if (size >= 126) {
        header = size == 126 ? 4 : 10;
        size = 0;
        for (std::size_t i = 2; i < header; ++i)
          size = size << 8 | static_cast<unsigned char>(wire[at + i]);
      }
      if (wire.size() - at < header + size)
        break;
      xs.push_back(wire.substr(at + header, size));
      at += header + size;
    }
    wire.erase(0, at);
    return xs;
  }

  std::string wire;
  int wakes = 0;
  int lags = 0;

private:
  void say(std::string text) {
    out.push_reply(outbound_frame::text(std::move(text)));
  }
};

/// The numbers of the durable events in a frame (one, or a batch).
std::vector<std::uint64_t> numbers(const std::string& frame) {
  std::vector<std::uint64_t> xs;
  for (std::size_t at = 0; (at = frame.find("\"seq\":", at)) != frame.npos;) {
    at += 6;
    xs.push_back(std::stoull(frame.substr(at)));
  }
  return xs;
}

class viewer_rooms_test : public testing::Test, public edge_sink {
public:
  void answers(hub_id, std::vector<answer> xs) override {
    for (auto& x : xs)
      answers_.push_back(std::move(x));
  }
  void room(hub_id, std::vector<room_signal> xs) override {
    for (auto& x : xs)
      signals_.push_back(std::move(x));
  }

  bool deliver_answer() {
    if (answers_.empty())
      return false;
    auto x = std::move(answers_.front());
    answers_.pop_front();
    rooms.history(std::move(x));
    return true;
  }
  bool deliver_signal() {
    if (signals_.empty())
      return false;
    auto x = std::move(signals_.front());
    signals_.pop_front();
    rooms.handle(std::move(x));
    return true;
  }
  void settle() {
    while (deliver_signal() || deliver_answer()) {
    }
  }
  void pass(std::chrono::milliseconds x) {
    now += x;
    rooms.tick(now);
  }

  void subscribe(viewer& who, const room_key& key,
                 std::optional<std::uint64_t> since = {},
                 std::vector<std::string> types = {},
                 std::optional<run_id> run = {}) {
    viewer_rooms::request x;
    x.view = {run ? "execution:" + run->value : room_name(key), run,
              std::move(types)};
    x.room = key;
    if (since)
      x.since = event_seq{*since};
    x.whole_tenant = key.is_tenant_room();
    rooms.subscribe(who, std::move(x));
  }

  std::vector<std::string> received(fake_viewer& who) {
    settle();
    who.read(1u << 30);
    return who.frames();
  }

  void post(const room_key& key, int count, std::string text = {}) {
    engine.post(key, std::vector<fake_engine::draft>(
                       static_cast<std::size_t>(count),
                       fake_engine::draft{"test:event", "r", text, false}));
  }

  std::deque<answer> answers_;
  std::deque<room_signal> signals_;
  fake_engine engine{*this};
  edge_metrics metrics;
  viewer_rooms rooms{hub_id{0}, engine, metrics};
  viewer_rooms::clock::time_point now = viewer_rooms::clock::now();
};

using strings = std::vector<std::string>;
using counts = std::vector<std::uint64_t>;

counts numbers_of(const strings& frames) {
  counts xs;
  for (auto& x : frames)
    for (auto n : numbers(x))
      xs.push_back(n);
  return xs;
}

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

/// A viewer of two rooms, and what it must get next of each.
struct followed {
  std::unique_ptr<fake_viewer> who;
  std::map<std::string, std::uint64_t> next; ///< By room.
  bool slow = false;

  /// Checks what has arrived: of each room exactly the next number.
  void check(unsigned seed) {
    for (auto& frame : who->frames())
      for (std::size_t at = 0;
           (at = frame.find("\"seq\":", at)) != frame.npos;) {
        auto number = std::stoull(frame.substr(at += 6));
        auto room = frame.find("\"room\":\"", at) + 8;
        auto name = frame.substr(room, frame.find('"', room) - room);
        ASSERT_EQ(number, next[name]++) << "seed " << seed << ", " << name;
      }
  }
};

/// Random publishing, joining, leaving, slow reading, lost rooms and reordered
/// answers: each viewer's record is exactly since+1, since+2, … of each room.
TEST_F(viewer_rooms_test, every_viewer_gets_every_number_once_and_in_order) {
  for (unsigned seed = 1; seed <= 100; ++seed) {
    std::mt19937 random{seed};
    auto chance
      = [&random](unsigned percent) { return random() % 100 < percent; };
    auto suffix = std::to_string(seed);
    std::array keys{room_key{{"acme"}, {"x" + suffix}},
                    room_key{{"acme"}, {"y" + suffix}}};
    std::vector<followed> all;
    auto arrive = [&] {
      auto& x = all.emplace_back();
      x.who = std::make_unique<fake_viewer>((2u + random() % 30) << 10);
      x.who->batching = chance(30);
      x.slow = chance(50);
      for (auto& key : keys) {
        auto since = random() % (engine.head(key).value + 1);
        x.next[room_name(key)] = since + 1;
        subscribe(*x.who, key, since);
      }
    };
    for (int step = 0; step < 1500; ++step) {
      auto& key = keys[random() % keys.size()];
      if (chance(40))
        post(key, 1 + static_cast<int>(random() % 4),
             std::string(random() % 300, 'x'));
      if (all.size() < 12 && chance(5))
        arrive();
      if (chance(1))
        engine.lose(key);
      if (chance(3))
        engine.refuse_history(1);
      if (chance(50))
        deliver_signal();
      if (chance(50))
        deliver_answer();
      if (chance(20))
        pass(250ms);
      for (auto& x : all)
        if (chance(x.slow ? 5 : 60)) {
          x.who->read(random() % 3000);
          if (x.who->out.low())
            rooms.drained(*x.who);
          x.check(seed);
        }
      if (!all.empty() && chance(1)) {
        rooms.forget(*all.front().who);
        all.erase(all.begin());
      }
    }
    engine.refuse_history(0);
    auto done = [&](followed& x) {
      return std::ranges::all_of(keys, [&](auto& key) {
        return x.next[room_name(key)] == engine.head(key).value + 1;
      });
    };
    for (int i = 0; i < 3000 && !std::ranges::all_of(all, done); ++i) {
      pass(250ms);
      settle();
      for (auto& x : all) {
        x.who->read(1u << 20);
        rooms.drained(*x.who);
        x.check(seed);
      }
    }
    for (auto& x : all) {
      EXPECT_TRUE(done(x)) << "seed " << seed;
      rooms.forget(*x.who);
    }
    if (HasFailure())
      return;
  }
}

} // namespace
} // namespace callboard
