// The checker against histories that are right, and against the same histories
// with one thing wrong: each must be found, and named.

#include "tests/cluster/checker.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace callboard::test {

namespace {

constexpr std::string_view room = "p1";

moment at(std::int64_t ms) {
  return moment{std::chrono::milliseconds{ms}};
}

std::string id_of(std::uint64_t seq) {
  return "e" + std::to_string(seq);
}

/// Two producers take turns; events 1 … n, each sent at 10 × seq and answered
/// 15 later, so that neighbours overlap. Every seventh is sent twice, the first
/// time without an answer. Three viewers, one of them from the middle. Between
/// the events, one is refused and one never arrives.
history good_history(std::uint64_t n = 40) {
  history result;
  const std::string p{room};
  auto& events = result.rooms[p];
  for (std::uint64_t seq = 1; seq <= n; ++seq) {
    events.push_back({seq, id_of(seq), seq * 31});
    const auto sent = static_cast<std::int64_t>(10 * seq);
    const auto producer = "producer" + std::to_string(seq % 2);
    if (seq % 7 == 0)
      result.attempts.push_back({producer, p, id_of(seq), at(sent - 3),
                                 at(sent - 1), fate::unknown, 0});
    result.attempts.push_back({producer, p, id_of(seq), at(sent), at(sent + 15),
                               fate::acknowledged, seq});
    result.readings.push_back({"reader", p, at(sent + 16), at(sent + 17), seq});
  }
  result.attempts.push_back(
    {"producer0", p, "bad", at(55), at(57), fate::refused, 0});
  result.attempts.push_back(
    {"producer0", p, "gone", at(75), at(77), fate::unknown, 0});
  for (const std::uint64_t since : {0u, 0u, 20u})
    result.viewings.push_back(
      {"viewer",
       p,
       since,
       {events.begin() + static_cast<std::ptrdiff_t>(since), events.end()},
       true});
  return result;
}

std::vector<seen_event>& events_of(history& x) {
  return x.rooms.at(std::string{room});
}

/// Whether it is found, under this name.
::testing::AssertionResult finds(const history& x, flaw what) {
  const auto found = check(x);
  if (std::ranges::any_of(found, [&](const auto& v) { return v.what == what; }))
    return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << "no '" << name(what) << "' among " << describe(found);
}

/// The attempt that acknowledged this event.
attempt& answer_of(history& x, std::uint64_t seq) {
  return *std::ranges::find_if(x.attempts,
                               [&](const attempt& a) { return a.seq == seq; });
}

void renumber(std::vector<seen_event>& events) {
  for (std::size_t i = 0; i < events.size(); ++i)
    events[i].seq = i + 1;
}

} // namespace

TEST(checker, finds_nothing_in_what_is_right) {
  const auto found = check(good_history());
  EXPECT_TRUE(found.empty()) << describe(found);
  EXPECT_TRUE(check({}).empty());
}

TEST(checker, finds_a_lost_event) {
  auto x = good_history();
  events_of(x).pop_back();
  EXPECT_TRUE(finds(x, flaw::lost));
}

TEST(checker, finds_a_lost_event_when_the_rest_moved_up) {
  auto x = good_history();
  events_of(x).erase(events_of(x).begin() + 9);
  renumber(events_of(x));
  EXPECT_TRUE(finds(x, flaw::lost));
  EXPECT_TRUE(finds(x, flaw::misnumbered));
}

TEST(checker, finds_a_room_that_is_lost) {
  auto x = good_history();
  x.rooms.clear();
  EXPECT_TRUE(finds(x, flaw::lost));
}

TEST(checker, finds_a_gap_in_a_room) {
  auto x = good_history();
  events_of(x).erase(events_of(x).begin() + 9);
  EXPECT_TRUE(finds(x, flaw::gap));
}

TEST(checker, finds_a_doubled_event) {
  auto x = good_history();
  events_of(x).push_back({41, id_of(7), 0});
  EXPECT_TRUE(finds(x, flaw::doubled));
}

TEST(checker, finds_an_event_that_nobody_sent) {
  auto x = good_history();
  events_of(x).push_back({41, "stranger", 0});
  EXPECT_TRUE(finds(x, flaw::unasked));
}

TEST(checker, finds_a_refused_event_that_is_there) {
  auto x = good_history();
  events_of(x).push_back({41, "bad", 0});
  EXPECT_TRUE(finds(x, flaw::refused_applied));
}

TEST(checker, lets_an_unknown_event_be_there_once) {
  auto x = good_history();
  events_of(x).push_back({41, "gone", 0});
  for (auto& view : x.viewings)
    view.events.push_back(events_of(x).back());
  EXPECT_TRUE(check(x).empty()) << describe(check(x));
  events_of(x).push_back({42, "gone", 0});
  EXPECT_TRUE(finds(x, flaw::doubled));
}

TEST(checker, finds_two_events_swapped_against_real_time) {
  // They were answered as they are stored: only the clock can tell.
  auto x = good_history();
  std::swap(answer_of(x, 10).id, answer_of(x, 20).id);
  std::swap(events_of(x)[9].id, events_of(x)[19].id);
  auto& early = answer_of(x, 10);
  auto& late = answer_of(x, 20);
  std::swap(early.invoked, late.invoked);
  std::swap(early.answered, late.answered);
  EXPECT_TRUE(finds(x, flaw::reordered));
}

TEST(checker, finds_an_unanswered_event_that_came_in_late) {
  // Sent after event 20 was answered, stored before it.
  auto x = good_history();
  auto& event = answer_of(x, 10);
  event.outcome = fate::unknown;
  event.seq = 0;
  event.invoked = at(300);
  EXPECT_TRUE(finds(x, flaw::reordered));
}

TEST(checker, finds_different_answers_to_the_same_id) {
  auto x = good_history();
  x.attempts.push_back(answer_of(x, 10));
  x.attempts.back().seq = 11;
  EXPECT_TRUE(finds(x, flaw::answers_differ));
  x.attempts.back() = answer_of(x, 10);
  EXPECT_TRUE(check(x).empty()) << "the same answer again is right";
  x.attempts.back().outcome = fate::refused;
  EXPECT_TRUE(finds(x, flaw::answers_differ));
}

TEST(checker, finds_a_stale_reading) {
  auto x = good_history();
  x.readings.push_back({"reader", std::string{room}, at(300), at(301), 27});
  EXPECT_TRUE(finds(x, flaw::stale)) << "28 was acknowledged at 295";
  x.readings.back().current = false;
  EXPECT_TRUE(check(x).empty()) << "it is not told as current";
  x.readings.back() = {"reader", std::string{room}, at(300), at(301), 28};
  EXPECT_TRUE(check(x).empty()) << describe(check(x));
}

TEST(checker, finds_readings_that_go_backwards) {
  // Neither lacks anything acknowledged: 29 and 30 are under way at 304.
  auto x = good_history();
  x.readings.push_back({"a", std::string{room}, at(301), at(302), 30});
  x.readings.push_back({"b", std::string{room}, at(303), at(304), 29});
  EXPECT_TRUE(finds(x, flaw::stale));
}

TEST(checker, finds_a_reading_of_what_was_not_sent_yet) {
  auto x = good_history();
  x.readings.push_back({"reader", std::string{room}, at(300), at(301), 35});
  EXPECT_TRUE(finds(x, flaw::early));
  x.readings.back().position = 99;
  EXPECT_TRUE(finds(x, flaw::early));
}

TEST(checker, finds_what_is_wrong_with_a_view) {
  const auto broken = [](auto change) {
    auto x = good_history();
    change(x.viewings[1].events);
    return x;
  };
  using events = std::vector<seen_event>;
  EXPECT_TRUE(
    finds(broken([](events& x) { x.erase(x.begin() + 5); }), flaw::view_gap));
  EXPECT_TRUE(finds(broken([](events& x) { x.insert(x.begin() + 5, x[5]); }),
                    flaw::view_repeat));
  EXPECT_TRUE(
    finds(broken([](events& x) { std::swap(x[5], x[6]); }), flaw::view_gap));
  EXPECT_TRUE(
    finds(broken([](events& x) { std::swap(x[5], x[6]); }), flaw::view_repeat));
  EXPECT_TRUE(finds(broken([](events& x) { std::swap(x[5].id, x[6].id); }),
                    flaw::view_differs));
  EXPECT_TRUE(
    finds(broken([](events& x) { x[5].content = 0; }), flaw::view_differs));
  EXPECT_TRUE(finds(broken([](events& x) { x.pop_back(); }), flaw::view_short));
  EXPECT_TRUE(finds(broken([](events& x) {
                      x.push_back({41, "y", 0});
                    }),
                    flaw::view_differs));
}

TEST(checker, finds_every_random_mutation) {
  // Whatever is dropped, doubled, swapped or changed in the room itself.
  std::mt19937 random{4};
  for (int i = 0; i < 400; ++i) {
    auto x = good_history();
    auto& events = events_of(x);
    const auto place = random() % (events.size() - 1);
    const auto where = events.begin() + static_cast<std::ptrdiff_t>(place);
    switch (random() % 4) {
    case 0:
      events.erase(where);
      break;
    case 1:
      events.insert(where, *where);
      break;
    case 2:
      std::swap(where->id, (where + 1)->id);
      break;
    default:
      ++where->content;
      break;
    }
    if (random() % 2 == 0)
      renumber(events);
    ASSERT_FALSE(check(x).empty()) << i;
  }
}

} // namespace callboard::test
