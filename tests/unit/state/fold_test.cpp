#include "tests/unit/state/store_fixture.hpp"

#include <gtest/gtest.h>

namespace callboard::test {
namespace {

using state_fold_test = store_fixture;

TEST_F(state_fold_test, an_unknown_room_is_empty) {
  auto room = store->load_room(shard, out.room("p"));
  ASSERT_TRUE(room);
  EXPECT_EQ(room->head, event_seq{0});
  EXPECT_EQ(room->oldest, event_seq{1});
  auto run = store->load_run(shard, out.room("p"), {"e1"});
  ASSERT_TRUE(run);
  EXPECT_FALSE(run->has_value());
}

TEST_F(state_fold_test, the_first_event_of_a_run_creates_it_as_pending) {
  out.add("p", step_event("e1", "s1", R"({"status":"running"})"));
  ASSERT_TRUE(apply());
  auto x = detail("p", "e1");
  EXPECT_EQ(at(x, "status"), R"("pending")");
  EXPECT_EQ(at(x, "created_at"), json::quoted(iso8601(out.now_ms)));
  EXPECT_EQ(at(x, "steps/0/status"), R"("running")");
  EXPECT_EQ(at(x, "_count/steps"), "1");
  EXPECT_EQ(at(x, "room_seq"), "1");
}

TEST_F(state_fold_test, a_room_knows_its_head_and_its_epoch) {
  out.add("p", run_event("e1", R"({"status":"running"})"));
  out.add("p", run_event("e2", R"({"status":"running"})"));
  ASSERT_TRUE(apply());
  auto room = store->load_room(shard, out.room("p"));
  ASSERT_TRUE(room);
  EXPECT_EQ(room->head, event_seq{2});
  EXPECT_EQ(room->epoch, out.epoch);
  EXPECT_EQ(store->applied(shard), log_index{1});
}

TEST_F(state_fold_test, changes_merge_field_by_field) {
  out.add(
    "p", run_event("e1", R"({"name":"a","progress":{"completed":1},"x":1.0})"));
  ASSERT_TRUE(apply());
  out.add(
    "p",
    run_event(
      "e1", R"({"name":null,"x":null,"progress":{"total":9007199254740993}})"));
  ASSERT_TRUE(apply());
  auto x = detail("p", "e1");
  EXPECT_EQ(at(x, "name"), "null");
  EXPECT_EQ(at(x, "x"), "(none)");
  EXPECT_EQ(at(x, "progress"), R"({"total":9007199254740993})");
}

TEST_F(state_fold_test, a_value_too_large_for_a_row_is_shown_in_its_place) {
  auto large = '"' + std::string(10'000, 'x') + '"';
  out.add("p", run_event("e1", R"({"output":)" + large + "}"));
  out.add("p", step_event("e1", "s1", R"({"output":)" + large + "}"));
  ASSERT_TRUE(apply());
  EXPECT_EQ(at(detail("p", "e1"), "output"), large);
  EXPECT_EQ(at(detail("p", "e1"), "steps/0/output"), large);
  out.add("p", run_event("e1", R"({"name":"n"})"));
  ASSERT_TRUE(apply());
  EXPECT_EQ(at(detail("p", "e1"), "output"), large);
  out.add("p", run_event("e1", R"({"output":1})"));
  out.add("p", step_event("e1", "s1", R"({"output":null})"));
  ASSERT_TRUE(apply());
  EXPECT_EQ(at(detail("p", "e1"), "output"), "1");
  EXPECT_EQ(at(detail("p", "e1"), "steps/0/output"), "null");
}

TEST_F(state_fold_test, steps_are_shown_in_the_order_of_their_first_event) {
  for (auto step : {"z", "a", "m", "z"})
    out.add("p", step_event("e1", step, R"({"status":"running"})"));
  ASSERT_TRUE(apply());
  out.add("p", step_event("e1", "b", R"({"status":"running"})"));
  ASSERT_TRUE(apply());
  auto x = detail("p", "e1");
  EXPECT_EQ(at(x, "steps/0/id"), R"("z")");
  EXPECT_EQ(at(x, "steps/1/id"), R"("a")");
  EXPECT_EQ(at(x, "steps/2/id"), R"("m")");
  EXPECT_EQ(at(x, "steps/3/id"), R"("b")");
}

TEST_F(state_fold_test, counters_keep_the_sum_and_integers_stay_integers) {
  auto count = [&](std::string name, std::string number) {
    out.add("p", timeline_event("e1", R"({"kind":"counter","name":")" + name
                                        + R"(","count":)" + number + "}"));
  };
  count("tokens", "9007199254740993");
  count("tokens", "2");
  count("cost", "0.5");
  ASSERT_TRUE(apply());
  count("cost", "0.25");
  count("tokens", "-1");
  ASSERT_TRUE(apply());
  auto x = detail("p", "e1");
  EXPECT_EQ(at(x, "counters"), R"({"cost":0.75,"tokens":9007199254740994})");
  EXPECT_EQ(at(x, "_count/events"), "5");
}

TEST_F(state_fold_test, an_artifact_of_the_same_id_takes_the_place_of_the_old) {
  out.add("p", artifact_event("e1", R"({"id":"a","v":1})"));
  out.add("p", artifact_event("e1", R"({"id":"b","v":2})"));
  out.add("p", artifact_event("e1", R"({"id":"a","v":3})"));
  ASSERT_TRUE(apply());
  auto x = detail("p", "e1");
  EXPECT_EQ(at(x, "artifacts/0/v"), "3");
  EXPECT_EQ(at(x, "artifacts/1/v"), "2");
  EXPECT_EQ(at(x, "artifacts/2"), "(none)");
  EXPECT_EQ(at(x, "_count/artifacts"), "2");
}

TEST_F(state_fold_test, an_event_is_found_by_its_id_within_its_run) {
  out.add("p", R"({"id":"x","type":"kb:a","data":{}})");
  out.add("p", R"({"id":"x",)"
                 + timeline_event("e1", R"({"kind":"log"})").substr(1));
  ASSERT_TRUE(apply());
  auto room = out.room("p");
  EXPECT_EQ(store->find_event(shard, room, {}, "x"), event_seq{1});
  EXPECT_EQ(store->find_event(shard, room, {"e1"}, "x"), event_seq{2});
  EXPECT_EQ(store->find_event(shard, room, {"e2"}, "x"), std::nullopt);
}

TEST_F(state_fold_test, a_run_is_loaded_as_its_actor_needs_it) {
  out.add("p", run_event("e1", R"({"status":"running"})"));
  out.add("p",
          step_event("e1", "s1",
                     R"({"status":"waiting","input_request":{"prompt":"?"}})"));
  out.add("p", step_event("e1", "s2", R"({"status":"completed"})"));
  ASSERT_TRUE(apply());
  auto run = store->load_run(shard, out.room("p"), {"e1"});
  ASSERT_TRUE(run && *run);
  EXPECT_EQ((*run)->status, run_status::running);
  EXPECT_TRUE((*run)->has_started_at);
  EXPECT_FALSE((*run)->has_completed_at);
  ASSERT_EQ((*run)->steps.size(), 2u);
  EXPECT_EQ((*run)->steps.at({"s1"}).status, step_status::waiting);
  EXPECT_EQ((*run)->steps.at({"s1"}).input_request, R"({"prompt":"?"})");
  EXPECT_EQ((*run)->steps.at({"s2"}).status, step_status::completed);
  EXPECT_TRUE((*run)->steps.at({"s2"}).has_completed_at);
}

TEST_F(state_fold_test, a_gap_in_the_numbers_is_refused_and_changes_nothing) {
  out.add("p", run_event("e1", "{}"));
  ASSERT_TRUE(apply());
  (void)out.add("p", run_event("e1", "{}"));
  (void)out.take(); // lost
  out.add("p", run_event("e1", "{}"));
  auto done = apply();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, errc::internal);
  EXPECT_EQ(store->load_room(shard, out.room("p"))->head, event_seq{1});
  EXPECT_EQ(store->applied(shard), log_index{1});
}

TEST_F(state_fold_test, a_definition_is_merged_and_deleted) {
  out.add("p", definition_event("d", R"({"name":"n","phases":["a"],"x":1})"));
  ASSERT_TRUE(apply());
  out.add("p", definition_event("d", R"({"phases":["a","b"]})"));
  ASSERT_TRUE(apply());
  EXPECT_EQ(ask(query::definition{out.room("p"), {"d"}}),
            R"({"id":"d","name":"n","phases":["a","b"],"x":1})");
  out.add("p", definition_event("d", R"({"deleted":true})"));
  ASSERT_TRUE(apply());
  EXPECT_EQ(refusal(query::definition{out.room("p"), {"d"}}), errc::not_found);
  EXPECT_EQ(ask(query::list_definitions{
              .room = out.room("p"), .limit = 50, .cursor = {}}),
            R"({"items":[]})");
}

TEST_F(state_fold_test, what_retry_copies_is_raw) {
  out.add("p", run_event("e1", R"({"name":"n","input":{"a":1.0},"other":2})"));
  ASSERT_TRUE(apply());
  EXPECT_EQ(store->retry_fields(shard, out.room("p"), {"e1"}),
            R"({"name":"n","input":{"a":1.0}})");
}

TEST_F(state_fold_test, events_of_the_tenant_have_a_sequence_of_their_own) {
  out.add("p", R"({"type":"kb:a","data":{}})");
  auto seq = out.add("p", R"({"type":"kb:b","scope":"tenant","data":{}})");
  ASSERT_TRUE(apply());
  EXPECT_EQ(seq, event_seq{1});
  EXPECT_EQ(store->load_room(shard, out.room(""))->head, event_seq{1});
  EXPECT_EQ(at(ask(query::list_projects{
                 .tenant = {"t"}, .only = {}, .limit = 50, .cursor = {}}),
               "items/0/id"),
            R"("p")");
  EXPECT_EQ(items_of(ask(query::list_projects{
              .tenant = {"t"}, .only = {}, .limit = 50, .cursor = {}})),
            1u);
}

} // namespace
} // namespace callboard::test
