#include "actors/merged_answers.hpp"

#include <gtest/gtest.h>

namespace callboard {
namespace {

using outcome = decltype(answer::outcome);

outcome document(std::string json) {
  return document_answer{std::move(json)};
}

outcome missing() {
  return fail(errc::not_found, "not here");
}

std::string json_of(const outcome& x) {
  return x ? std::get<document_answer>(*x).json : x.error().detail;
}

TEST(merged_answers, sessions_become_one_page_by_node_and_number) {
  find_sessions asked;
  asked.limit = 3;
  auto got = merge_answers(
    asked,
    {document(R"({"items":[{"id":"b:2"},{"id":"b:10"}]})"),
     document(R"({"items":[{"id":"a:7"},{"id":"a:30"}],"next_cursor":null})")},
    true);
  EXPECT_EQ(json_of(got),
            R"({"items":[{"id":"a:7"},{"id":"a:30"},{"id":"b:2"}],)"
            R"("next_cursor":"b:2"})");
}

TEST(merged_answers, actors_of_the_same_name_are_told_apart_by_their_node) {
  find_actors asked;
  asked.limit = 1;
  auto got = merge_answers(
    asked,
    {document(R"({"items":[{"kind":"shard","id":"3","node":"n2"}]})"),
     document(R"({"items":[{"kind":"shard","id":"3","node":"n1"}]})")},
    true);
  EXPECT_EQ(json_of(got), R"({"items":[{"kind":"shard","id":"3","node":"n1"}],)"
                          R"("next_cursor":"shard||3|n1"})");
}

TEST(merged_answers, one_thing_is_what_a_node_has) {
  inspect_actor asked;
  EXPECT_EQ(json_of(merge_answers(asked, {missing(), document("{}")}, true)),
            "{}");
  auto leaders = document(R"({"state":{"role":"leader"}})");
  EXPECT_EQ(
    json_of(merge_answers(
      asked, {document(R"({"state":{"role":"follower"}})"), leaders}, true)),
    json_of(leaders));
}

TEST(merged_answers, what_nobody_has_may_be_where_nobody_answered) {
  inspect_actor asked;
  auto sure = merge_answers(asked, {missing(), missing()}, true);
  ASSERT_FALSE(sure);
  EXPECT_EQ(sure.error().code, errc::not_found);
  auto unsure = merge_answers(asked, {missing()}, false);
  ASSERT_FALSE(unsure);
  EXPECT_EQ(unsure.error().code, errc::unavailable);
}

TEST(merged_answers, projects_of_all_shards_become_one_page) {
  query::list_projects asked{{"t"}, {}, 2, {}};
  auto got = merge_parts(asked,
                         {document(R"({"items":[{"id":"p2"}]})"),
                          document(R"({"items":[{"id":"p1"},{"id":"p3"}]})")},
                         true);
  auto json = json_of(got);
  EXPECT_EQ(json.find(R"({"items":[{"id":"p1"},{"id":"p2"}],"next_cursor":")"),
            0u)
    << json;
  EXPECT_FALSE(merge_parts(
    asked, {document(R"({"items":[]})"), fail(errc::unavailable, "")}, true));
}

TEST(merged_answers, a_run_is_in_exactly_one_project) {
  query::find_run asked{{"t"}, {"r"}, {}};
  EXPECT_EQ(json_of(merge_parts(asked, {missing(), document("\"p\"")}, true)),
            "\"p\"");
  EXPECT_FALSE(
    merge_parts(asked, {document("\"p\""), document("\"q\"")}, true));
  auto none = merge_parts(asked, {missing(), missing()}, true);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, errc::not_found);
  auto unsure = merge_parts(asked, {missing()}, false);
  ASSERT_FALSE(unsure);
  EXPECT_EQ(unsure.error().code, errc::unavailable);
}

} // namespace
} // namespace callboard
