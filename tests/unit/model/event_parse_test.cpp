#include "actors/model/event.hpp"

#include "tests/unit/model/drafts.hpp"

#include <gtest/gtest.h>

namespace callboard {
namespace {

using test::draft;
using test::parse;

/// Expects a refusal at `pointer` whose words contain `words`.
void expect_invalid(const std::string& text, std::string_view pointer,
                    std::string_view words = "") {
  auto out = parse(text);
  ASSERT_FALSE(out) << text;
  EXPECT_EQ(out.error().code, errc::invalid) << text;
  EXPECT_EQ(out.error().pointer, pointer) << text;
  EXPECT_NE(out.error().detail.find(words), std::string::npos)
    << text << " gives: " << out.error().detail;
}

std::string run_with(const std::string& changes) {
  return R"({"type":"workflow:execution:updated","data":{"execution_id":"r1","changes":)"
         + changes + "}}";
}

std::string step_with(const std::string& changes) {
  return R"({"type":"workflow:execution:step:updated","data":{"execution_id":"r1","step_id":"s1","changes":)"
         + changes + "}}";
}

std::string timeline_with(const std::string& event) {
  return R"({"type":"workflow:execution:event:created","data":{"execution_id":"r1","event":)"
         + event + "}}";
}

TEST(event_parse_test, a_run_update_is_read_without_losing_a_byte) {
  auto x = draft(
    R"({"id":"e-1","ts":"2026-01-02T03:04:05.678Z","type":"workflow:execution:updated",)"
    R"("data":{"execution_id":"r1", "project_id":"p1","changes":{ "status":"running","x":1.0}}})");
  EXPECT_EQ(x.type, event_type::run_updated);
  EXPECT_EQ(x.scope, event_scope::project);
  EXPECT_EQ(x.delivery, event_delivery::durable);
  EXPECT_EQ(x.timeline, timeline_kind::none);
  EXPECT_EQ(x.id.value, "e-1");
  EXPECT_TRUE(x.id_given);
  EXPECT_EQ(x.run.value, "r1");
  EXPECT_TRUE(x.step.empty());
  EXPECT_EQ(x.type_name, "workflow:execution:updated");
  EXPECT_EQ(x.ts, "2026-01-02T03:04:05.678Z");
  EXPECT_EQ(x.body, R"({ "status":"running","x":1.0})");
  EXPECT_EQ(
    x.data,
    R"({"execution_id":"r1", "project_id":"p1","changes":{ "status":"running","x":1.0}})");
  EXPECT_EQ(x.run_status_to, run_status::running);
  EXPECT_TRUE(x.has_project_id);
  EXPECT_GE(x.data.data(), x.source->data());
}

TEST(event_parse_test, an_event_without_id_gets_a_uuid) {
  auto x = draft(run_with("{}"));
  EXPECT_FALSE(x.id_given);
  EXPECT_EQ(x.id.value.size(), 36u);
  EXPECT_TRUE(x.ts.empty());
  EXPECT_EQ(x.run_status_to, std::nullopt);
  EXPECT_FALSE(x.has_project_id);
}

TEST(event_parse_test, each_canonical_type_is_known) {
  auto step = draft(step_with(
    R"({"status":"waiting","input_request":{"prompt":"?"},"created_at":"2026-01-01T00:00:00Z","completed_at":null})"));
  EXPECT_EQ(step.type, event_type::step_updated);
  EXPECT_EQ(step.step.value, "s1");
  EXPECT_EQ(step.step_status_to, step_status::waiting);
  EXPECT_EQ(step.input_request, R"({"prompt":"?"})");
  EXPECT_TRUE(step.has_created_at);
  EXPECT_TRUE(step.has_completed_at);
  EXPECT_TRUE(step.clears_completed_at);
  EXPECT_FALSE(step.has_started_at);

  auto log = draft(timeline_with(R"({"kind":"log","message":"hi"})"));
  EXPECT_EQ(log.type, event_type::timeline_created);
  EXPECT_EQ(log.timeline, timeline_kind::log);
  EXPECT_FALSE(log.has_body_id);
  auto counter = draft(
    timeline_with(R"({"id":"c","kind":"counter","name":"n","count":2})"));
  EXPECT_EQ(counter.timeline, timeline_kind::counter);
  EXPECT_TRUE(counter.has_body_id);
  auto other = draft(timeline_with(R"({"kind":"anything else"})"));
  EXPECT_EQ(other.timeline, timeline_kind::other);

  auto artifact = draft(
    R"({"type":"workflow:execution:artifact:created","data":{"execution_id":"r1","artifact":{"name":"a"}}})");
  EXPECT_EQ(artifact.type, event_type::artifact_created);
  EXPECT_EQ(artifact.body, R"({"name":"a"})");

  auto stream = draft(
    R"({"type":"workflow:execution:step:stream","data":{"execution_id":"r1","step_id":"s1","chunk":"x"}})");
  EXPECT_EQ(stream.type, event_type::step_stream);
  EXPECT_EQ(stream.delivery, event_delivery::ephemeral);
  EXPECT_TRUE(stream.body.empty());

  auto definition = draft(
    R"({"type":"workflow:definition:updated","data":{"definition_id":"d","changes":{"name":"n","phases":["a"]}}})");
  EXPECT_EQ(definition.type, event_type::definition_updated);
  EXPECT_EQ(definition.definition.value, "d");
  EXPECT_TRUE(definition.run.empty());
}

TEST(event_parse_test, a_custom_events_data_is_free) {
  for (const std::string data :
       {"{}", "[1]", "null", "1.0", R"({"project_id":"other","changes":7})"}) {
    auto x = draft(R"({"type":"kb:document:completed","data":)" + data + "}");
    EXPECT_EQ(x.type, event_type::custom);
    EXPECT_EQ(x.data, data);
    EXPECT_TRUE(x.body.empty());
  }
  EXPECT_TRUE(draft(R"({"type":"kb:x"})").data.empty());
  auto live = draft(R"({"type":"kb:x","ephemeral":true,"scope":"tenant"})");
  EXPECT_EQ(live.delivery, event_delivery::ephemeral);
  EXPECT_EQ(live.scope, event_scope::tenant);
}

TEST(event_parse_test, what_a_viewer_received_can_be_published_again) {
  auto x = draft(
    R"({"seq":41,"type":"kb:x","room":"project:p1","id":"e1","ts":"2026-01-02T03:04:05.678Z","data":{},"more":[]})");
  EXPECT_EQ(x.id.value, "e1");
}

TEST(event_parse_test, types_are_lower_case_parts_joined_by_colons) {
  auto custom
    = [](const std::string& type) { return R"({"type":")" + type + R"("})"; };
  for (const auto* good :
       {"a:b", "kb:document:completed", "my-app:v1.2:x_y", "0:1", "workflows:x",
        "a:workflow:execution:updated"})
    EXPECT_TRUE(parse(custom(good))) << good;
  for (const auto* bad : {"", "a", "connected", ":a", "a:", "a::b", "A:b",
                          "a:B", "a:b c", "a:ä", "a/b:c", "a:*", "a\\u003ab"})
    expect_invalid(custom(bad), "/type");
  EXPECT_TRUE(parse(custom("a:" + std::string(126, 'b'))));
  expect_invalid(custom("a:" + std::string(127, 'b')), "/type", "128 bytes");
  expect_invalid(custom("workflow:execution:deleted"), "/type",
                 "workflow:execution:step:updated");
  expect_invalid(custom("workflow:"), "/type");
  expect_invalid(R"({"type":7})", "/type", "type is 7");
  expect_invalid(R"({"data":{}})", "/type", "type is missing");
}

TEST(event_parse_test, an_event_is_an_object) {
  for (const std::string text : {"null", "[]", "\"x\"", "1"})
    expect_invalid(text, "", "send an object");
}

TEST(event_parse_test, ids_are_checked) {
  expect_invalid(R"({"type":"a:b","id":""})", "/id");
  expect_invalid(R"({"type":"a:b","id":7})", "/id", "id is 7");
  expect_invalid(R"({"type":"a:b","id":null})", "/id");
  expect_invalid(R"({"type":"a:b","id":"a b"})", "/id", "A-Z a-z 0-9");
  auto over = std::string(129, 'x');
  expect_invalid(R"({"type":"a:b","id":")" + over + "\"}", "/id", "xxx…");
  EXPECT_EQ(draft(R"({"type":"a:b","id":"\u0061"})").id.value, "a");
  auto type = std::string{R"({"type":"workflow:execution:updated",)"};
  expect_invalid(type + R"("data":{"execution_id":"r/1","changes":{}}})",
                 "/data/execution_id", "data.execution_id is \"r/1\"");
  expect_invalid(type + R"("data":{"changes":{}}})", "/data/execution_id",
                 "is missing");
  expect_invalid(
    R"({"type":"workflow:execution:step:updated","data":{"execution_id":"r","changes":{}}})",
    "/data/step_id", "is missing");
  expect_invalid(
    R"({"type":"workflow:definition:updated","data":{"changes":{}}})",
    "/data/definition_id", "is missing");
  expect_invalid(
    R"({"type":"workflow:execution:step:stream","data":{"execution_id":"r","chunk":""}})",
    "/data/step_id", "is missing");
  expect_invalid(
    R"({"type":"workflow:execution:step:stream","data":{"execution_id":"r","step_id":"s"}})",
    "/data/chunk", "is missing");
}

TEST(event_parse_test, an_event_names_the_project_of_the_call_or_none) {
  auto with = [](const std::string& project) {
    return R"({"type":"workflow:execution:updated","data":{"execution_id":"r","project_id":)"
           + project + R"(,"changes":{}}})";
  };
  EXPECT_TRUE(parse(with(R"("p1")")));
  expect_invalid(with(R"("p2")"), "/data/project_id", "project \"p1\"");
  expect_invalid(with("null"), "/data/project_id");
  expect_invalid(with("1"), "/data/project_id");
}

TEST(event_parse_test, data_and_body_are_objects) {
  auto type = std::string{R"({"type":"workflow:execution:updated")"};
  expect_invalid(type + "}", "/data", "is missing");
  expect_invalid(type + R"(,"data":[]})", "/data", "data is []");
  expect_invalid(type + R"(,"data":{"execution_id":"r"}})", "/data/changes",
                 "is missing");
  expect_invalid(run_with("null"), "/data/changes");
  expect_invalid(run_with("[]"), "/data/changes");
  expect_invalid(timeline_with("7"), "/data/event");
  expect_invalid(
    R"({"type":"workflow:execution:artifact:created","data":{"execution_id":"r","artifact":""}})",
    "/data/artifact");
}

TEST(event_parse_test, scope_ephemeral_and_ts_are_checked) {
  expect_invalid(R"({"type":"a:b","scope":"world"})", "/scope");
  expect_invalid(R"({"type":"a:b","scope":null})", "/scope");
  EXPECT_TRUE(parse(R"({"type":"a:b","scope":"project"})"));
  auto tenant_run = run_with("{}");
  tenant_run.insert(1, R"("scope":"tenant",)");
  expect_invalid(tenant_run, "/scope", "only custom events");
  expect_invalid(R"({"type":"a:b","ephemeral":1})", "/ephemeral");
  expect_invalid(
    R"({"ephemeral":false,"type":"workflow:execution:step:stream","data":{"execution_id":"r","step_id":"s","chunk":1}})",
    "/ephemeral", "never stored");
  expect_invalid(R"({"type":"a:b","ts":"yesterday"})", "/ts", "ISO 8601");
  expect_invalid(R"({"type":"a:b","ts":1767323045678})", "/ts");
}

TEST(event_parse_test, known_fields_have_their_types) {
  expect_invalid(run_with(R"({"status":"runing"})"), "/data/changes/status",
                 R"(data.changes.status is "runing": send one of "pending")");
  expect_invalid(run_with(R"({"status":"waiting"})"), "/data/changes/status");
  expect_invalid(run_with(R"({"status":null})"), "/data/changes/status");
  expect_invalid(run_with(R"({"status":1})"), "/data/changes/status");
  expect_invalid(run_with(R"({"created_at":1})"), "/data/changes/created_at");
  expect_invalid(run_with(R"({"started_at":"soon"})"),
                 "/data/changes/started_at", "or null");
  expect_invalid(run_with(R"({"name":{}})"), "/data/changes/name");
  expect_invalid(run_with(R"({"progress":0.5})"), "/data/changes/progress");
  expect_invalid(run_with(R"({"workflow_definition_id":"a b"})"),
                 "/data/changes/workflow_definition_id");
  EXPECT_TRUE(parse(run_with(
    R"({"name":null,"progress":null,"started_at":null,"output":[1],"workflow_definition_id":null,"x":{"status":9}})")));
  EXPECT_EQ(draft(run_with(R"({"st\u0061tus":"f\u0061iled"})")).run_status_to,
            run_status::failed);

  expect_invalid(step_with(R"({"status":"paused"})"), "/data/changes/status",
                 "\"waiting\"");
  expect_invalid(step_with(R"({"attempt":1.5})"), "/data/changes/attempt");
  expect_invalid(step_with(R"({"input_request":"?"})"),
                 "/data/changes/input_request");
  expect_invalid(step_with(R"({"next_retry_at":5})"),
                 "/data/changes/next_retry_at");
  EXPECT_TRUE(parse(step_with(
    R"({"attempt":2,"next_retry_at":null,"metrics":{"a":1},"issues":[],"input_request":null})")));
}

TEST(event_parse_test,
     timeline_events_say_their_kind_and_counters_their_count) {
  expect_invalid(timeline_with("{}"), "/data/event/kind", "is missing");
  expect_invalid(timeline_with(R"({"kind":""})"), "/data/event/kind");
  expect_invalid(timeline_with(R"({"kind":1})"), "/data/event/kind");
  expect_invalid(timeline_with(R"({"kind":"log","id":""})"), "/data/event/id");
  expect_invalid(timeline_with(R"({"kind":"log","created_at":"x"})"),
                 "/data/event/created_at");
  expect_invalid(timeline_with(R"({"kind":"counter","count":1})"),
                 "/data/event/name", "is missing");
  expect_invalid(timeline_with(R"({"kind":"counter","name":"n"})"),
                 "/data/event/count", "is missing");
  expect_invalid(timeline_with(R"({"kind":"counter","name":"n","count":"1"})"),
                 "/data/event/count");
  expect_invalid(timeline_with(R"({"count":1,"name":7,"kind":"counter"})"),
                 "/data/event/name");
  EXPECT_TRUE(parse(timeline_with(R"({"kind":"log","count":"any"})")));
}

TEST(event_parse_test, definitions_are_checked) {
  auto with = [](const std::string& changes) {
    return R"({"type":"workflow:definition:updated","data":{"definition_id":"d","changes":)"
           + changes + "}}";
  };
  EXPECT_TRUE(parse(with(R"({"deleted":true})")));
  expect_invalid(with(R"({"deleted":1})"), "/data/changes/deleted");
  expect_invalid(with(R"({"phases":{}})"), "/data/changes/phases");
  expect_invalid(with(R"({"name":1})"), "/data/changes/name");
}

TEST(event_parse_test, an_event_that_is_too_large_is_named_so) {
  event_limits limits;
  limits.max_event_bytes = 20;
  auto out = parse(R"({"type":"a:b","data":"long"})", limits);
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code, errc::too_large);
  EXPECT_NE(out.error().detail.find("at most 20"), std::string::npos);
}

TEST(event_parse_test, type_patterns_match_whole_types_or_prefixes) {
  EXPECT_TRUE(type_matches("a:b", "a:b"));
  EXPECT_FALSE(type_matches("a:b", "a:b:c"));
  EXPECT_FALSE(type_matches("a:b", "a"));
  EXPECT_TRUE(
    type_matches("workflow:execution:*", "workflow:execution:step:updated"));
  EXPECT_FALSE(
    type_matches("workflow:execution:*", "workflow:definition:updated"));
  EXPECT_TRUE(type_matches("*", "a:b"));
  EXPECT_TRUE(type_matches("a:*", "a:"));
  EXPECT_FALSE(type_matches("*b", "a:b")) << "only a star at the end counts";
  EXPECT_FALSE(type_matches("", "a"));
}

} // namespace
} // namespace callboard
