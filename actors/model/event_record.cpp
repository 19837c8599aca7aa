#include "actors/model/event_record.hpp"

#include "actors/model/json_text.hpp"

namespace callboard {
namespace {

/// What the parts of a frame around `data` take at most, without the names.
constexpr std::size_t frame_overhead = 256;

void append_head(std::string& out, std::string_view type, const room_key& room,
                 std::string_view id, std::string_view ts) {
  out += R"("type":")";
  out += type;
  out += R"(","room":)";
  if (room.is_tenant_room()) {
    json::append_quoted(out, room_name(room)); // a tenant may be any text
  } else {
    out += R"("project:)";
    out += room.project.value;
    out += '"';
  }
  out += R"(,"id":")";
  out += id;
  out += R"(","ts":")";
  out += ts;
  out += R"(",)";
}

/// What timeline events and artifacts get besides what the caller adds.
std::string filled_members(const event_draft& draft, std::string_view ts,
                           std::string_view added) {
  std::string out{added};
  if (!draft.has_body_id)
    json::append_string_member(out, "id",
                               draft.type == event_type::artifact_created
                                 ? new_uuid7()
                                 : draft.id.value);
  if (!draft.has_created_at)
    json::append_string_member(out, "created_at", ts);
  return out;
}

struct span {
  std::size_t begin = 0;
  std::size_t size = 0;
};

/// Appends the draft's data with `added` in its body and with its project.
/// @returns where in `out` the body is.
span append_data(std::string& out, const event_draft& draft,
                 const room_key& room, std::string_view added) {
  if (draft.type == event_type::custom) {
    out += draft.data.empty() ? std::string_view{"{}"} : draft.data;
    return {};
  }
  auto data = draft.data;
  data.remove_suffix(1); // the closing brace
  span body;
  if (!draft.body.empty()) {
    auto at = static_cast<std::size_t>(draft.body.data() - draft.data.data());
    out += data.substr(0, at);
    body.begin = out.size();
    json::append_object_with(out, draft.body, added);
    body.size = out.size() - body.begin;
    data.remove_prefix(at + draft.body.size());
  }
  out += data;
  if (!draft
         .has_project_id) { // data is not empty: it names a run or definition
    out += R"(,"project_id":")";
    out += room.project.value;
    out += '"';
  }
  out += '}';
  return body;
}

span append_data_filled(std::string& out, const event_draft& draft,
                        const room_key& room, std::string_view ts,
                        std::string_view added) {
  bool fill = (draft.type == event_type::timeline_created
               || draft.type == event_type::artifact_created)
              && !(draft.has_body_id && draft.has_created_at);
  if (!fill)
    return append_data(out, draft, room, added);
  return append_data(out, draft, room, filled_members(draft, ts, added));
}

} // namespace

std::string frame_text(event_seq seq, std::string_view tail) {
  std::string out;
  out.reserve(tail.size() + 28);
  out += R"({"seq":)";
  json::append_number(out, seq.value);
  out += ',';
  out += tail;
  return out;
}

std::int64_t event_time(const event_draft& draft,
                        std::int64_t now_ms) noexcept {
  return draft.ts.empty() ? now_ms : parse_iso8601(draft.ts).value_or(now_ms);
}

event_record make_record(const event_draft& draft, const room_key& room,
                         std::int64_t now_ms, std::string_view added) {
  event_record out;
  out.type = draft.type;
  out.scope = draft.scope;
  out.timeline = draft.timeline;
  out.id = draft.id;
  out.run = draft.run;
  out.step = draft.step;
  out.definition = draft.definition;
  out.ts_ms = event_time(draft, now_ms);
  auto ts = iso8601(out.ts_ms);
  auto& tail = out.tail;
  tail.reserve(draft.data.size() + draft.type_name.size() + added.size()
               + frame_overhead);
  append_head(tail, draft.type_name, room, draft.id.value, ts);
  out.type_begin = 8; // behind `"type":"`
  out.type_size = static_cast<std::uint32_t>(draft.type_name.size());
  tail += "\"data\":";
  auto body = append_data_filled(tail, draft, room, ts, added);
  out.body_begin = static_cast<std::uint32_t>(body.begin);
  out.body_size = static_cast<std::uint32_t>(body.size);
  tail += '}';
  return out;
}

std::string ephemeral_frame(const event_draft& draft, const room_key& room,
                            std::int64_t now_ms) {
  auto ts = iso8601(event_time(draft, now_ms));
  std::string out;
  out.reserve(draft.data.size() + draft.type_name.size() + frame_overhead);
  out += '{';
  append_head(out, draft.type_name, room, draft.id.value, ts);
  out += R"("ephemeral":true,"data":)";
  append_data_filled(out, draft, room, ts, {});
  out += '}';
  return out;
}

std::string stream_snapshot_frame(const room_key& room, const run_id& run,
                                  const step_id& step,
                                  std::string_view escaped_text,
                                  std::int64_t now_ms) {
  std::string out;
  out.reserve(escaped_text.size() + 2 * frame_overhead + 512);
  out += '{';
  append_head(out, "workflow:execution:step:stream", room, new_uuid7(),
              iso8601(now_ms));
  out += R"("ephemeral":true,"snapshot":true,"data":{"execution_id":")";
  out += run.value;
  out += R"(","project_id":")";
  out += room.project.value;
  out += R"(","step_id":")";
  out += step.value;
  out += R"(","chunk":")";
  out += escaped_text;
  out += R"(","snapshot":true}})";
  return out;
}

} // namespace callboard
