#include "tests/unit/ws/viewer_rooms_fixture.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace callboard {
namespace {

using namespace test;
using namespace std::chrono_literals;

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
