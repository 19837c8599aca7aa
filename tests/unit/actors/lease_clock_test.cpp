#include "actors/lease_clock.hpp"

#include <gtest/gtest.h>

namespace callboard {
namespace {

const room_key room{{"t"}, {"p"}};

dispatch_ptr lease(std::uint64_t term) {
  dispatch_state x;
  x.attempt = 1;
  x.term = term;
  x.secret = std::string(lease_secret_bytes, 's');
  return std::make_shared<const dispatch_state>(std::move(x));
}

lease_claim claim(const std::string& run, std::uint64_t term) {
  return {{run}, 1, term, std::string(lease_secret_bytes, 's')};
}

TEST(lease_clock_test, a_lease_runs_out_once) {
  lease_clock clock{30};
  clock.start(room, {"a"}, lease(1), 100);
  clock.start(room, {"b"}, lease(1), 110);
  EXPECT_TRUE(clock.expired(129).empty());
  auto out = clock.expired(130);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].run.value, "a");
  EXPECT_EQ(out[0].term, 1u);
  EXPECT_TRUE(clock.expired(139).empty());
  EXPECT_EQ(clock.renew(room, claim("a", 1), 139).error().code, errc::conflict);
  EXPECT_EQ(clock.expired(1000).size(), 1u);
}

TEST(lease_clock_test, heartbeats_renew_it) {
  lease_clock clock{30};
  clock.start(room, {"a"}, lease(1), 0);
  for (int now = 20; now < 200; now += 20) {
    EXPECT_TRUE(clock.renew(room, claim("a", 1), now));
    EXPECT_TRUE(clock.expired(now + 29).empty());
  }
  EXPECT_EQ(clock.expired(1000).size(), 1u);
}

TEST(lease_clock_test, only_its_own_worker_renews_it) {
  lease_clock clock{30};
  clock.start(room, {"a"}, lease(3), 0);
  auto forged = claim("a", 3);
  forged.secret[0] = 'x';
  EXPECT_EQ(clock.renew(room, forged, 1).error().code, errc::conflict);
  EXPECT_EQ(clock.renew(room, claim("a", 1), 1).error().code, errc::conflict);
  EXPECT_EQ(clock.renew(room, claim("b", 3), 1).error().code, errc::conflict);
  EXPECT_EQ(clock.renew({{"other"}, {"p"}}, claim("a", 3), 1).error().code,
            errc::conflict);
  EXPECT_TRUE(clock.renew(room, claim("a", 3), 1));
}

TEST(lease_clock_test, a_later_lease_takes_the_place_of_an_earlier_one) {
  lease_clock clock{30};
  clock.start(room, {"a"}, lease(3), 0);
  clock.start(room, {"a"}, lease(1), 10); // read from an older view
  EXPECT_EQ(clock.expired(30).size(), 1u);
  clock.start(room, {"a"}, lease(5), 31);
  EXPECT_TRUE(clock.renew(room, claim("a", 5), 40));
  clock.end(room, {"a"});
  clock.end(room, {"a"});
  EXPECT_TRUE(clock.expired(1000).empty());
  EXPECT_EQ(clock.size(), 0u);
}

TEST(lease_clock_test, one_that_could_not_be_asked_about_is_told_again) {
  lease_clock clock{30};
  clock.start(room, {"a"}, lease(1), 0);
  EXPECT_FALSE(clock.is_ending(room, claim("a", 1)));
  ASSERT_EQ(clock.expired(30).size(), 1u);
  EXPECT_TRUE(clock.is_ending(room, claim("a", 1)));
  EXPECT_FALSE(clock.is_ending(room, claim("a", 3))) << "that one is over";
  EXPECT_FALSE(clock.is_ending(room, claim("b", 1)));
  clock.ask_again(room, {"a"}, 1);
  auto out = clock.expired(31);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].term, 1u);
  EXPECT_TRUE(clock.expired(1000).empty());
  clock.ask_again(room, {"a"}, 1);
  EXPECT_EQ(clock.renew(room, claim("a", 1), 1000).error().code, errc::conflict)
    << "it was told so before";
  EXPECT_EQ(clock.expired(1000).size(), 1u);
  clock.ask_again(room, {"a"}, 1);
  clock.end(room, {"a"});
  EXPECT_TRUE(clock.expired(2000).empty());
}

TEST(lease_clock_test, an_answer_about_an_earlier_lease_leaves_the_latest) {
  lease_clock clock{30};
  clock.start(room, {"a"}, lease(1), 0);
  ASSERT_EQ(clock.expired(30).size(), 1u);
  clock.start(room, {"a"}, lease(3), 31);
  clock.end(room, {"a"}, 1);
  clock.ask_again(room, {"a"}, 1);
  EXPECT_EQ(clock.size(), 1u);
  EXPECT_TRUE(clock.expired(60).empty());
  EXPECT_EQ(clock.expired(61).size(), 1u);
  clock.end(room, {"a"}, 3);
  EXPECT_EQ(clock.size(), 0u);
}

} // namespace
} // namespace callboard
