// POST /v1/projects/{p}/events: the forms in which events arrive, and what
// comes back out of them.

#include "tests/integration/live_node.hpp"
#include "tests/support/encodings.hpp"

namespace callboard::test {

namespace {

class publishing : public live_node {
protected:
  /// The frame of the only event of the room, as text.
  std::string only_frame() {
    const auto response = http.get(path("/events"));
    EXPECT_EQ(response.object().at("items").as_array().size(), 1u);
    return response.body;
  }

  static std::string ndjson(int first, int count) {
    std::string result;
    for (int i = first; i < first + count; ++i)
      result += json::serialize(custom_event("test:line", {{"n", i}})) + "\n";
    return result;
  }
};

const header_list ndjson_type{{"Content-Type", "application/x-ndjson"}};

header_list encoded(std::string_view encoding) {
  return {{"Content-Encoding", std::string{encoding}}};
}

} // namespace

TEST_F(publishing, a_single_event_is_accepted_and_numbered) {
  const auto response = http.publish(project, run_event("r1", {{"name", "n"}}));
  ASSERT_EQ(response.status / 100, 2) << response.body;
  const auto answer = response.object();
  EXPECT_EQ(number(answer, "accepted"), 1u);
  const auto& results = answer.at("results").as_array();
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(number(results[0].as_object(), "seq"), 1u);
  EXPECT_EQ(text(results[0].as_object(), "id").size(), 36u) << "a UUIDv7";
}

TEST_F(publishing, an_array_is_numbered_in_its_order) {
  json::array events;
  for (int i = 0; i < 100; ++i)
    events.push_back(custom_event("test:item", {{"n", i}}));
  const auto seqs = publish(events);
  ASSERT_EQ(seqs.size(), 100u);
  for (std::size_t i = 0; i < seqs.size(); ++i)
    ASSERT_EQ(seqs[i], i + 1);
  const auto frames = history();
  ASSERT_EQ(frames.size(), 100u);
  for (std::size_t i = 0; i < frames.size(); ++i)
    EXPECT_EQ(number(frames[i].at("data").as_object(), "n"), i);
}

TEST_F(publishing, ndjson_is_numbered_line_by_line) {
  const auto response = http.publish_raw(project, ndjson(0, 50), ndjson_type);
  ASSERT_EQ(response.status / 100, 2) << response.body;
  EXPECT_EQ(number(response.object(), "accepted"), 50u);
  EXPECT_EQ(history().size(), 50u);
}

TEST_F(publishing, ndjson_may_have_blank_lines_and_no_last_newline) {
  auto body = "\n" + ndjson(0, 2) + "\r\n" + ndjson(2, 1);
  body.pop_back();
  const auto response = http.publish_raw(project, body, ndjson_type);
  ASSERT_EQ(response.status / 100, 2) << response.body;
  EXPECT_EQ(number(response.object(), "accepted"), 3u);
}

TEST_F(publishing, one_bad_line_of_ndjson_does_not_stop_the_others) {
  const auto body = ndjson(0, 1) + "{\"type\":\n" + ndjson(1, 1);
  const auto response = http.publish_raw(project, body, ndjson_type);
  ASSERT_EQ(response.status / 100, 2) << response.body;
  const auto answer = response.object();
  EXPECT_EQ(number(answer, "accepted"), 2u);
  const auto& results = answer.at("results").as_array();
  ASSERT_EQ(results.size(), 3u);
  EXPECT_TRUE(results[1].as_object().contains("error")) << response.body;
  EXPECT_EQ(number(results[2].as_object(), "seq"), 2u);
}

TEST_F(publishing, json_is_json_whatever_it_is_called) {
  const auto body = json::serialize(custom_event("test:a", {}));
  for (const auto* type : {"text/plain;charset=UTF-8", "application/json",
                           "application/x-www-form-urlencoded", "odd"})
    EXPECT_EQ(
      http.publish_raw(project, body, {{"Content-Type", type}}).status / 100, 2)
      << type;
}

TEST_F(publishing, gzip_and_zstd_bodies_are_accepted) {
  const auto array = json::serialize(
    json::array{custom_event("test:a", {{"x", std::string(5000, 'y')}})});
  EXPECT_EQ(
    http.publish_raw(project, gzip(array), encoded("gzip")).status / 100, 2);
  EXPECT_EQ(
    http.publish_raw(project, zstd(array), encoded("zstd")).status / 100, 2);
  auto headers = ndjson_type;
  headers.emplace_back("Content-Encoding", "gzip");
  EXPECT_EQ(http.publish_raw(project, gzip(ndjson(0, 3)), headers).status / 100,
            2);
  EXPECT_EQ(history().size(), 5u);
}

TEST_F(publishing, broken_or_unknown_encodings_are_refused) {
  const auto body = json::serialize(custom_event("test:a", {}));
  for (const auto* encoding : {"gzip", "zstd"}) {
    const auto response = http.publish_raw(project, body, encoded(encoding));
    EXPECT_EQ(response.status, 400) << encoding << response.body;
    EXPECT_EQ(response.code(), "invalid");
  }
  const auto response = http.publish_raw(project, body, encoded("br"));
  EXPECT_EQ(response.status / 100, 4) << response.body;
  EXPECT_TRUE(history().empty());
}

TEST_F(publishing, a_small_body_that_unpacks_to_too_much_is_refused) {
  const std::string zeros(std::size_t{40} << 20, ' ');
  for (const auto& [encoding, body] :
       {std::pair{"gzip", gzip(zeros)}, std::pair{"zstd", zstd(zeros)}}) {
    const auto response = http.publish_raw(project, body, encoded(encoding));
    EXPECT_EQ(response.status, 413) << encoding << response.body;
    EXPECT_EQ(response.code(), "too_large");
  }
}

TEST_F(publishing, responses_are_compressed_when_asked) {
  json::array events;
  for (int i = 0; i < 50; ++i)
    events.push_back(custom_event("test:item", {{"text", "the same again"}}));
  publish(events);
  const auto plain = http.get(path("/events?limit=50"));
  const auto packed
    = http.get(path("/events?limit=50"), {{"Accept-Encoding", "gzip"}});
  EXPECT_EQ(plain.header("Content-Encoding"), "");
  ASSERT_EQ(packed.header("Content-Encoding"), "gzip");
  EXPECT_LT(packed.body.size(), plain.body.size() / 2);
  EXPECT_EQ(gunzip(packed.body), plain.body);
}

TEST_F(publishing, every_canonical_type_is_accepted) {
  publish(json::array{
    run_event("r1", {{"status", "pending"}}),
    step_event("r1", "s1", {{"status", "running"}}),
    timeline_event("r1", {{"kind", "annotation"}, {"message", "hello"}}),
    artifact_event("r1", {{"name", "report.pdf"}, {"kind", "file"}}),
    json::object{{"type", "workflow:definition:updated"},
                 {"data",
                  {{"definition_id", "d1"},
                   {"changes", {{"name", "D"}, {"phases", {"a", "b"}}}}}}},
    custom_event("kb:document:completed", {{"any", {1, 2, 3}}}),
  });
  const auto frames = history();
  ASSERT_EQ(frames.size(), 6u);
  EXPECT_EQ(text(frames[5], "type"), "kb:document:completed");
}

TEST_F(publishing, a_frame_has_room_seq_id_ts_and_the_data_as_sent) {
  const auto sent = with_id(run_event("r1", {{"name", "n"}}), "event-1");
  publish(sent);
  const auto frames = history();
  ASSERT_EQ(frames.size(), 1u);
  const auto& frame = frames[0];
  EXPECT_EQ(text(frame, "room"), "project:" + project);
  EXPECT_EQ(number(frame, "seq"), 1u);
  EXPECT_EQ(text(frame, "id"), "event-1");
  EXPECT_EQ(text(frame, "ts").size(),
            std::string_view{"2026-01-02T03:04:05.678Z"}.size());
  const auto& data = frame.at("data").as_object();
  EXPECT_EQ(text(data, "project_id"), project);
  EXPECT_EQ(text(data, "execution_id"), "r1");
  EXPECT_EQ(text(data.at("changes").as_object(), "name"), "n");
}

TEST_F(publishing, the_producers_clock_is_kept) {
  auto event = custom_event("test:timed", {});
  event["ts"] = "2020-02-03T04:05:06.789Z";
  publish(event);
  EXPECT_EQ(text(history().at(0), "ts"), "2020-02-03T04:05:06.789Z");
}

TEST_F(publishing, unknown_fields_and_number_spellings_are_kept_byte_for_byte) {
  const std::string kept
    = R"("big":18446744073709551615,"small":-9223372036854775808,"one":1.0,)"
      R"("exp":1E+2,"tiny":0.10,"deep":{"b":[1.50,{"z":null,"a":"\u00e9\/\n"}]},)"
      R"("long":123456789012345678901234567890.5,"text":"ä€😀 \u20ac")";
  const auto body = R"({"type":"workflow:execution:updated","data":{)"
                    R"("execution_id":"r1","extra":{"k":1.00},"changes":{)"
                    + kept + "}}}";
  ASSERT_EQ(http.publish_raw(project, body).status / 100, 2);
  const auto frame = only_frame();
  EXPECT_NE(frame.find(kept), std::string::npos) << frame;
  EXPECT_NE(frame.find(R"("extra":{"k":1.00})"), std::string::npos) << frame;
  const auto whole = http.get(path("/runs/r1")).body;
  for (const auto* piece :
       {R"("big":18446744073709551615)", R"("one":1.0)", R"("exp":1E+2)",
        R"("tiny":0.10)", R"({"b":[1.50,{"z":null,"a":"\u00e9\/\n"}]})",
        R"(123456789012345678901234567890.5)", R"("ä€😀 \u20ac")"})
    EXPECT_NE(whole.find(piece), std::string::npos) << piece << "\n" << whole;
}

TEST_F(publishing, whitespace_inside_kept_values_does_not_hurt) {
  const auto body = "  {\n \"data\" : { \"changes\" : { \"x\" : [ 1 , 2.0 ] } ,"
                    " \"execution_id\" : \"r1\" } ,\t\"type\" :"
                    " \"workflow:execution:updated\" }\r\n ";
  ASSERT_EQ(http.publish_raw(project, body).status / 100, 2);
  EXPECT_EQ(detail("r1").at("x"), json::parse("[1,2.0]"));
}

TEST_F(publishing, custom_types_outside_workflow_are_free) {
  for (const auto* type : {"kb:document:completed", "a:b", "x1:y-2:z_3"})
    EXPECT_EQ(
      http.publish(project, custom_event(type, {{"k", 1}})).status / 100, 2)
      << type;
  for (const auto* type : {"workflow:unknown", "workflow:execution:deleted", "",
                           "Upper:Case", "has space:x", "::"}) {
    const auto response = http.publish(project, custom_event(type, {}));
    EXPECT_EQ(response.status, 400) << type << " " << response.body;
    EXPECT_EQ(response.object().at("pointer"), "/type") << type;
  }
}

TEST_F(publishing, the_data_of_custom_events_is_free) {
  for (const auto* data : {"7", "null", "[1, 2.0]", R"("text")", "{}"}) {
    const auto body
      = std::string{R"({"type":"test:free","data":)"} + data + "}";
    EXPECT_EQ(http.publish_raw(project, body).status / 100, 2) << data;
    const auto all = http.get(path("/events?limit=1000")).body;
    EXPECT_NE(all.find(std::string{R"("data":)"} + data), std::string::npos)
      << data << all;
  }
}

TEST_F(publishing, a_tenant_event_has_the_tenants_room_and_sequence) {
  auto event = custom_event("test:announcement", {{"for", "everyone"}});
  event["scope"] = "tenant";
  auto other = client({.tenant = "tenant-of-scope"});
  const auto first = other.publish(project, event);
  ASSERT_EQ(first.status / 100, 2) << first.body;
  const auto second = other.publish("another", event);
  const auto& result
    = second.object().at("results").as_array().at(0).as_object();
  EXPECT_EQ(number(result, "seq"), 2u) << "one sequence for the whole tenant";
  EXPECT_TRUE(read_history(other, project).empty())
    << "it is not in its project's room";
}

TEST_F(publishing, one_bad_event_does_not_stop_the_others) {
  const auto response = http.publish(
    project, json::array{custom_event("test:a", {}), json::object{{"type", 7}},
                         42, custom_event("test:b", {})});
  ASSERT_EQ(response.status / 100, 2) << response.body;
  const auto answer = response.object();
  EXPECT_EQ(number(answer, "accepted"), 2u);
  const auto& results = answer.at("results").as_array();
  ASSERT_EQ(results.size(), 4u);
  for (const auto i : {1u, 2u}) {
    const auto& error = results[i].as_object().at("error").as_object();
    EXPECT_EQ(text(error, "code"), "invalid");
    EXPECT_FALSE(text(error, "detail").empty());
  }
  EXPECT_EQ(history().size(), 2u);
}

TEST_F(publishing, a_single_event_that_fails_answers_with_its_status) {
  publish(run_event("r1", {{"status", "failed"}}));
  const auto response
    = http.publish(project, run_event("r1", {{"status", "running"}}));
  EXPECT_EQ(response.status, 409);
  EXPECT_EQ(response.header("Content-Type"), "application/problem+json");
  EXPECT_EQ(response.code(), "conflict");
}

TEST_F(publishing, an_empty_array_and_an_empty_body_are_answered_clearly) {
  const auto nothing = http.publish_raw(project, "[]");
  ASSERT_EQ(nothing.status / 100, 2) << nothing.body;
  EXPECT_EQ(number(nothing.object(), "accepted"), 0u);
  EXPECT_EQ(http.publish_raw(project, "").status, 400);
  EXPECT_EQ(http.publish_raw(project, "   ").status, 400);
}

TEST_F(publishing, an_event_of_one_mebibyte_passes_and_a_larger_one_does_not) {
  const auto body = [](std::size_t payload) {
    return json::serialize(
      custom_event("test:big", {{"x", std::string(payload, 'x')}}));
  };
  const auto frame_size = body(0).size();
  const std::size_t limit = 1u << 20;
  EXPECT_EQ(http.publish_raw(project, body(limit - frame_size)).status / 100,
            2);
  const auto response = http.publish_raw(project, body(limit - frame_size + 1));
  EXPECT_EQ(response.status, 413) << response.body;
  EXPECT_EQ(response.code(), "too_large");
  EXPECT_EQ(history().size(), 1u);
}

TEST_F(publishing, ids_may_have_128_characters_of_the_alphabet) {
  const std::string longest(128, 'a');
  const std::string odd = "A.z_9:-";
  EXPECT_EQ(publish(with_id(run_event(longest, {}), longest)).size(), 1u);
  EXPECT_EQ(publish(run_event(odd, {{"name", "odd"}})).size(), 1u);
  EXPECT_EQ(text(detail(odd), "name"), "odd");
  for (const auto& bad :
       {std::string(129, 'a'), std::string{}, std::string{"a b"},
        std::string{"a/b"}, std::string{"ä"}}) {
    const auto response = http.publish(project, run_event(bad, {}));
    EXPECT_EQ(response.status, 400) << bad;
    EXPECT_EQ(response.object().at("pointer"), "/data/execution_id");
  }
  const auto bad_id = http.publish(project, with_id(run_event("r", {}), "a b"));
  EXPECT_EQ(bad_id.object().at("pointer"), "/id") << bad_id.body;
}

TEST_F(publishing, an_event_may_not_name_another_project) {
  auto event = run_event("r1", {{"name", "n"}});
  event["data"].as_object()["project_id"] = "another";
  const auto response = http.publish(project, event);
  EXPECT_EQ(response.status, 400) << response.body;
  EXPECT_EQ(response.object().at("pointer"), "/data/project_id");
}

TEST_F(publishing, wrong_shapes_name_the_offending_field) {
  const std::pair<const char*, const char*> cases[] = {
    {R"({"data":{}})", "/type"},
    {R"({"type":"workflow:execution:updated","data":[]})", "/data"},
    {R"({"type":"test:a","data":{},"id":7})", "/id"},
    {R"({"type":"test:a","data":{},"ts":"yesterday"})", "/ts"},
    {R"({"type":"test:a","data":{},"scope":"world"})", "/scope"},
    {R"({"type":"test:a","data":{},"ephemeral":"yes"})", "/ephemeral"},
    {R"({"type":"workflow:execution:updated","data":{"execution_id":"r"}})",
     "/data/changes"},
    {R"({"type":"workflow:execution:updated","data":{"changes":{}}})",
     "/data/execution_id"},
    {R"({"type":"workflow:execution:updated","data":{"execution_id":"r","changes":{"status":"odd"}}})",
     "/data/changes/status"},
    {R"({"type":"workflow:execution:updated","data":{"execution_id":"r","changes":{"status":1}}})",
     "/data/changes/status"},
    {R"({"type":"workflow:execution:step:updated","data":{"execution_id":"r","changes":{}}})",
     "/data/step_id"},
    {R"({"type":"workflow:execution:event:created","data":{"execution_id":"r"}})",
     "/data/event"},
    {R"({"type":"workflow:execution:event:created","data":{"execution_id":"r","event":{"message":"m"}}})",
     "/data/event/kind"},
    {R"({"type":"workflow:execution:artifact:created","data":{"execution_id":"r","artifact":"a"}})",
     "/data/artifact"},
  };
  for (const auto& [body, pointer] : cases) {
    const auto response = http.publish_raw(project, body);
    EXPECT_EQ(response.status, 400) << body << "\n" << response.body;
    const auto answer = response.object();
    ASSERT_TRUE(answer.contains("pointer")) << body << "\n" << response.body;
    EXPECT_EQ(answer.at("pointer"), pointer) << body << "\n" << response.body;
  }
  EXPECT_TRUE(history().empty());
}

TEST_F(publishing, pointers_in_an_array_lead_to_the_element) {
  const auto response = http.publish_raw(
    project,
    R"([{"type":"test:a","data":{}},{"type":"test:a","id":7,"data":{}}])");
  const auto& error = response.object()
                        .at("results")
                        .as_array()
                        .at(1)
                        .as_object()
                        .at("error")
                        .as_object();
  EXPECT_TRUE(text(error, "pointer").ends_with("/id")) << response.body;
}

} // namespace callboard::test
