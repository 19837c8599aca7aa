#include "actors/decider.hpp"

#include <gtest/gtest.h>

namespace callboard {
namespace {

const room_key room{{"t"}, {"p"}};

std::shared_ptr<const publish_request> logs(std::vector<std::string> ids) {
  auto request = std::make_shared<publish_request>();
  request->room = room;
  for (auto& id : ids) {
    auto source = std::make_shared<const std::string>(
      R"({"type":"workflow:execution:event:created","id":")" + id
      + R"(","data":{"execution_id":"e","event":{"kind":"log","message":"m"}}})");
    auto doc = json::document::parse(*source);
    request->items.emplace_back(
      *parse_event(doc->root(), source, room.project, {}));
  }
  return request;
}

std::vector<std::uint32_t> all(const publish_request& x) {
  std::vector<std::uint32_t> result(x.items.size());
  for (std::uint32_t i = 0; i < result.size(); ++i)
    result[i] = i;
  return result;
}

class decider_test : public ::testing::Test {
protected:
  void push(decider& x, std::uint64_t slot, std::vector<std::string> ids) {
    auto request = logs(std::move(ids));
    x.push(slot, request, all(*request), 1, out);
  }

  decider::outbox out;
};

TEST_F(decider_test, a_new_run_needs_no_look_into_the_store) {
  run_decider x{room, {"e"}, std::nullopt, nullptr, 100};
  push(x, 1, {"a", "b"});
  EXPECT_TRUE(out.lookups.empty());
  ASSERT_EQ(out.decisions.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<accepted>(out.decisions[0].verdicts[1]));
}

TEST_F(decider_test, an_id_that_repeats_within_a_request_is_named) {
  run_decider x{room, {"e"}, std::nullopt, nullptr, 100};
  push(x, 1, {"a", "b", "a"});
  ASSERT_EQ(out.decisions.size(), 1u);
  auto same = std::get_if<same_as>(&out.decisions[0].verdicts[2]);
  ASSERT_TRUE(same);
  EXPECT_EQ(same->item, 0u);
}

TEST_F(decider_test,
       an_id_accepted_before_is_looked_up_after_everything_before) {
  run_decider x{room, {"e"}, std::nullopt, nullptr, 100};
  push(x, 1, {"a"});
  push(x, 2, {"a"});
  push(x, 3, {"b"});
  ASSERT_EQ(out.lookups.size(), 1u);
  EXPECT_TRUE(out.lookups[0].after_drain);
  EXPECT_EQ(out.decisions.size(), 1u); // the third waits for the second
  x.found({2, {0}, {event_seq{9}}, std::nullopt, true}, out);
  ASSERT_EQ(out.decisions.size(), 3u);
  EXPECT_EQ(std::get<duplicate_of>(out.decisions[1].verdicts[0]).seq,
            event_seq{9});
  EXPECT_TRUE(std::holds_alternative<accepted>(out.decisions[2].verdicts[0]));
}

TEST_F(decider_test, ids_of_a_run_from_the_store_are_asked_for_at_once) {
  run_decider x{room, {"e"}, run_brief{}, nullptr, 100};
  push(x, 1, {"a"});
  push(x, 2, {"b"});
  ASSERT_EQ(out.lookups.size(), 2u);
  EXPECT_FALSE(out.lookups[0].after_drain);
  EXPECT_FALSE(out.lookups[1].after_drain);
  x.found({2, {0}, {std::nullopt}, std::nullopt, false}, out);
  EXPECT_TRUE(out.decisions.empty()); // in order
  x.found({1, {0}, {event_seq{4}}, std::nullopt, false}, out);
  ASSERT_EQ(out.decisions.size(), 2u);
  EXPECT_EQ(out.decisions[0].slot, 1u);
  EXPECT_TRUE(std::holds_alternative<accepted>(out.decisions[1].verdicts[0]));
}

TEST_F(decider_test,
       an_id_that_was_accepted_while_the_store_was_asked_is_found) {
  run_decider x{room, {"e"}, run_brief{}, nullptr, 100};
  push(x, 1, {"a"});
  push(x, 2, {"a"}); // asked before the first one is accepted
  x.found({1, {0}, {std::nullopt}, std::nullopt, false}, out);
  x.found({2, {0}, {std::nullopt}, std::nullopt, false}, out);
  ASSERT_EQ(out.lookups.size(), 3u); // asked again, behind the first
  EXPECT_TRUE(out.lookups[2].after_drain);
  x.found({2, {0}, {event_seq{5}}, std::nullopt, true}, out);
  ASSERT_EQ(out.decisions.size(), 2u);
  EXPECT_EQ(std::get<duplicate_of>(out.decisions[1].verdicts[0]).seq,
            event_seq{5});
}

TEST_F(decider_test, an_unreadable_store_refuses_what_it_was_asked_about) {
  run_decider x{room, {"e"}, run_brief{}, nullptr, 100};
  push(x, 1, {"a"});
  x.found({1, {0}, {std::nullopt}, problem{errc::internal, "broken"}, false},
          out);
  ASSERT_EQ(out.decisions.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<problem>(out.decisions[0].verdicts[0]));
}

} // namespace
} // namespace callboard
