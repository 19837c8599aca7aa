#include "actors/model/event_record.hpp"

#include "tests/unit/model/drafts.hpp"

#include <gtest/gtest.h>

namespace callboard {
namespace {

using test::draft;
using test::now_ms;
using test::now_text;
using test::room;

/// A record's frame as a parsed document; its text must outlive it.
struct frame {
  std::string text;
  json::document doc;

  explicit frame(std::string x) : text{std::move(x)} {
    auto ok = doc.reset(text);
    EXPECT_TRUE(ok) << text << ": " << ok.error().detail;
  }

  std::string raw(std::string_view key) const {
    auto found = doc.root().find(key);
    return found ? std::string{found->raw()} : "";
  }
};

frame framed(const event_record& record) {
  return frame{frame_text({41}, record.tail)};
}

TEST(event_record_test, a_frame_holds_data_byte_for_byte) {
  auto record = make_record(
    draft(
      R"({"type":"workflow:execution:updated","id":"e1","data":{"execution_id":"r1","project_id":"p1", "changes":{"a": 1.0}}})"),
    room, now_ms, {});
  EXPECT_EQ(
    frame_text({41}, record.tail),
    R"({"seq":41,"type":"workflow:execution:updated","room":"project:p1","id":"e1",)"
    R"("ts":"2026-01-02T03:04:05.678Z","data":{"execution_id":"r1","project_id":"p1", "changes":{"a": 1.0}}})");
  EXPECT_EQ(record.type_name(), "workflow:execution:updated");
  EXPECT_EQ(record.body(), R"({"a": 1.0})");
  EXPECT_EQ(record.type, event_type::run_updated);
  EXPECT_EQ(record.run.value, "r1");
  EXPECT_EQ(record.id.value, "e1");
  EXPECT_EQ(record.ts_ms, now_ms);
}

TEST(event_record_test, a_project_that_was_left_out_is_added) {
  for (const std::string body : {"{}", R"({"x":"}"})", "{ }"}) {
    auto record = make_record(
      draft(R"({"type":"workflow:execution:updated","data":{ "changes":)" + body
            + R"( , "execution_id":"r1" }})"),
      room, now_ms, {});
    EXPECT_EQ(record.body(), body);
    EXPECT_EQ(framed(record).raw("data"),
              R"({ "changes":)" + body
                + R"( , "execution_id":"r1" ,"project_id":"p1"})");
  }
}

TEST(event_record_test, what_the_engine_adds_goes_into_the_body) {
  auto with = [](const std::string& changes) {
    auto x = test::run_event(changes);
    return std::string{make_record(x, room, now_ms, R"("b":2)").body()};
  };
  EXPECT_EQ(with("{}"), R"({"b":2})");
  EXPECT_EQ(with("{ \n}"), "{ \n\"b\":2}");
  EXPECT_EQ(with(R"({"a":1})"), R"({"a":1,"b":2})");
  EXPECT_EQ(with(R"({"a":1 })"), R"({"a":1 ,"b":2})");
  EXPECT_EQ(with(R"({"a":"{"})"), R"({"a":"{","b":2})");
}

TEST(event_record_test, the_producers_time_is_kept_in_utc) {
  auto x = draft(
    R"({"type":"a:b","ts":"2026-01-02T04:04:05.678901+01:00","data":{}})");
  auto record = make_record(x, room, 0, {});
  EXPECT_EQ(record.ts_ms, now_ms);
  EXPECT_EQ(framed(record).raw("ts"), json::quoted(now_text));
  EXPECT_EQ(event_time(x, 5), now_ms);
}

TEST(event_record_test, timeline_events_and_artifacts_get_id_and_time) {
  auto timeline = [](const std::string& event) {
    auto x = draft(
      R"({"id":"e1","type":"workflow:execution:event:created","data":{"execution_id":"r1","event":)"
      + event + "}}");
    return std::string{make_record(x, room, now_ms, {}).body()};
  };
  EXPECT_EQ(timeline(R"({"kind":"log"})"),
            R"({"kind":"log","id":"e1","created_at":")" + now_text + "\"}");
  EXPECT_EQ(timeline(R"({"kind":"log","id":"x"})"),
            R"({"kind":"log","id":"x","created_at":")" + now_text + "\"}");
  EXPECT_EQ(
    timeline(R"({"kind":"log","created_at":"2020-01-01T00:00:00Z","id":"x"})"),
    R"({"kind":"log","created_at":"2020-01-01T00:00:00Z","id":"x"})");

  auto artifact = draft(
    R"({"id":"e1","type":"workflow:execution:artifact:created","data":{"execution_id":"r1","artifact":{}}})");
  auto record = make_record(artifact, room, now_ms, {});
  auto doc = json::document::parse(record.body());
  ASSERT_TRUE(doc);
  EXPECT_EQ(doc->root().find("id")->string().size(), 36u);
  EXPECT_EQ(doc->root().find("created_at")->string(), now_text);
}

TEST(event_record_test, custom_data_passes_untouched_and_without_a_project) {
  auto record = make_record(draft(R"({"type":"kb:x","data":[1.0, 2]})"), room,
                            now_ms, {});
  EXPECT_EQ(framed(record).raw("data"), "[1.0, 2]");
  EXPECT_EQ(record.body(), "");
  EXPECT_EQ(record.body_size, 0u);
  auto none = make_record(draft(R"({"type":"kb:x"})"), room, now_ms, {});
  EXPECT_EQ(framed(none).raw("data"), "{}");
}

TEST(event_record_test, a_tenants_room_may_have_any_name) {
  auto x = draft(R"({"type":"kb:x","scope":"tenant","id":"e1"})");
  auto record = make_record(x, {{"a\"b|c"}, {}}, now_ms, {});
  EXPECT_EQ(record.scope, event_scope::tenant);
  EXPECT_EQ(framed(record).raw("room"), R"("tenant:a\"b|c")");
  EXPECT_EQ(record.type_name(), "kb:x");
}

TEST(event_record_test, an_ephemeral_frame_has_no_number) {
  auto x = draft(
    R"({"type":"workflow:execution:step:stream","id":"e1","data":{"execution_id":"r1","step_id":"s1","chunk":"é\n"}})");
  EXPECT_EQ(
    ephemeral_frame(x, room, now_ms),
    R"({"type":"workflow:execution:step:stream","room":"project:p1","id":"e1","ts":"2026-01-02T03:04:05.678Z",)"
    R"("ephemeral":true,"data":{"execution_id":"r1","step_id":"s1","chunk":"é\n","project_id":"p1"}})");
}

TEST(event_record_test, a_snapshot_says_that_it_is_one) {
  frame x{stream_snapshot_frame(room, {"r1"}, {"s1"}, R"(a\n\"b)", now_ms)};
  EXPECT_EQ(x.raw("type"), R"("workflow:execution:step:stream")");
  EXPECT_EQ(x.raw("snapshot"), "true");
  EXPECT_EQ(x.raw("ephemeral"), "true");
  EXPECT_EQ(x.raw("seq"), "");
  auto data = x.doc.root().find("data");
  EXPECT_EQ(data->find("chunk")->string(), "a\n\"b");
  EXPECT_EQ(data->find("execution_id")->string(), "r1");
  EXPECT_EQ(data->find("step_id")->string(), "s1");
  EXPECT_EQ(data->find("snapshot")->raw(), "true");
}

} // namespace
} // namespace callboard
