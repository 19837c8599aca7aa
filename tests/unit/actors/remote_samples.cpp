#include "tests/unit/actors/remote_samples.hpp"

#include "actors/model/json.hpp"

#include <memory>
#include <stdexcept>
#include <utility>

namespace callboard::test {

namespace {

const room_key room{{"acme"}, {"p1"}};

shared_bytes text(std::string x) {
  return std::make_shared<const std::string>(std::move(x));
}

event_draft draft_of(json::value event, const shared_bytes& source) {
  auto draft = parse_event(event, source, room.project, {});
  if (!draft)
    throw std::runtime_error{draft.error().detail};
  return std::move(*draft);
}

event_draft draft_of(std::string event) {
  auto source = text(std::move(event));
  auto parsed = json::document::parse(*source, {});
  return draft_of(parsed->root(), source);
}

posted_event posted(std::uint64_t seq, const std::string& facts) {
  posted_event x;
  x.seq = {seq};
  x.frame = text(R"({"seq":)" + std::to_string(seq)
                 + R"(,"type":"kb:page:made","data":{"n":1}})");
  x.type_name
    = std::string_view{*x.frame}.substr(x.frame->find("kb:page:made"), 12);
  x.run = {"run-7"};
  x.step = {"step-8"};
  if (!facts.empty())
    x.facts = text(facts);
  return x;
}

publish_request mixed_request() {
  publish_request x{room, {}, 4711, lease_claim{{"r1"}, 2, 3, "secret-bytes"}};
  auto run = draft_of(
    R"({"type":"workflow:execution:updated","id":"e-1","ts":"2026-01-02T03:04:05Z",)"
    R"("data":{"execution_id":"r1","project_id":"p1","changes":{"status":"running","started_at":null}}})");
  auto step = draft_of(
    R"({"type":"workflow:execution:step:updated","data":{"execution_id":"r1","step_id":"s1",)"
    R"("changes":{"status":"waiting","input_request":{"prompt":"ok?"},"completed_at":"2026-01-02T03:04:05Z"}}})");
  auto custom = draft_of(
    R"({"type":"kb:document:completed","scope":"tenant","ephemeral":true})");
  auto log = draft_of(
    R"({"type":"workflow:execution:event:created","data":{"execution_id":"r1",)"
    R"("event":{"id":"x","kind":"log","created_at":"2026-01-02T03:04:05Z","level":"info","message":"hi"}}})");
  x.items.emplace_back(run);
  x.items.emplace_back(publish_result{
    "e-2", {}, problem{errc::invalid, "no", "/data", std::chrono::seconds{3}}});
  x.items.emplace_back(step);
  x.items.emplace_back(run); // of an earlier text
  x.items.emplace_back(custom);
  x.items.emplace_back(step);
  x.items.emplace_back(step);
  x.items.emplace_back(log);
  return x;
}

std::vector<remote::call_body> bodies() {
  command_arguments arguments{run_command::lose,
                              {"r1"},
                              {"s1"},
                              "ann",
                              "why",
                              "{}",
                              R"({"a":1})",
                              {"w1", "0123", 5, 6, {{"r2"}, 7, 8, "xyz"}}};
  using namespace query;
  return {
    mixed_request(),
    published_drafts(5),
    publish_request{room, {}, 1, {}},
    command_request{room, arguments},
    definition_request{room, {"d1"}, R"({"name":"n"})"},
    take_request{room, "queue", "worker", std::chrono::milliseconds{1500}},
    lease_request{
      lease_request::what::release, room, {{"r"}, 1, 2, "s"}, "bye"},
    any{list_runs{room,
                  {run_status::failed, run_status::paused},
                  definition_id{"d"},
                  query::order::oldest_first,
                  7,
                  "cur"}},
    any{run_detail{room, {"r1"}, 12, 1'767'000'000'000}},
    any{run_page{room, {"r1"}, run_part::logs, 5, "c", {"info", "warn"}, -5}},
    any{list_definitions{room, 5, "c"}},
    any{query::definition{room, {"d"}}},
    any{list_projects{{"acme"}, {{"p1"}, {"p2"}}, 3, "c"}},
    any{query::room_events{room, {17}, {"kb:*"}, run_id{"r"}, 9}},
    any{find_run{{"acme"}, {"r"}, {{"p9"}}}},
    any{run_phases{room, {"r"}, 44}},
    history_request{room, {99}, run_id{"r1"}, {"a:b", "kb:*"}, 4096},
    remote::stop_taking{room, 31},
  };
}

remote::call_answers answers() {
  problem why{errc::unavailable, "later", "/x", std::chrono::seconds{2}};
  remote::call_answers out{{3}, {}};
  out.answers.push_back(
    {1, remote::call_fate::answered,
     publish_answer{
       {{"e1", event_seq{5}, {}}, {"e2", {}, why}, {"e3", {}, {}}}}});
  out.answers.push_back({2, remote::call_fate::answered,
                         document_answer{R"({"a":1})", 201, "/v1/runs/r"}});
  out.answers.push_back(
    {3, remote::call_fate::answered,
     history_answer{
       {{posted(6, R"({"f":1})"), posted(7, "")}, {8}, {9}, {2}}}});
  out.answers.push_back(
    {4, remote::call_fate::not_leading, tl::unexpected<problem>{why}});
  out.answers.push_back({5, remote::call_fate::unknown, document_answer{}});
  return out;
}

std::shared_ptr<const room_batch> batch() {
  auto x = std::make_shared<room_batch>();
  x->room = room;
  x->previous = {5};
  x->term = {12};
  x->events = {posted(6, R"({"f":1})"), posted(7, ""), posted(0, "")};
  return x;
}

} // namespace

publish_request published_drafts(std::size_t count) {
  std::string body = R"({"events":[)";
  for (std::size_t i = 0; i < count; ++i)
    body
      += std::string{i == 0 ? "" : ","}
         + R"({"type":"workflow:execution:event:created","id":"0197a000-0000-7000-8000-)"
         + std::to_string(100'000'000'000 + i)
         + R"(","data":{"execution_id":"run-123456","event":{"kind":"log","level":"info",)"
           R"("message":"a line of a log that says what happened just now, in about as many words as usual"}}})";
  body += "]}";
  auto source = text(std::move(body));
  auto parsed = json::document::parse(*source, {});
  publish_request out{room, {}, source->size(), {}};
  for (auto event : parsed->root().find("events")->items())
    out.items.emplace_back(draft_of(event, source));
  return out;
}

std::vector<remote::message> remote_samples() {
  using namespace remote;
  auto snapshot = posted(0, "");
  snapshot.snapshot = true;
  problem why{errc::conflict, "the name is taken", "", {}};
  std::vector<message> out{
    raft{{5}, std::string{"\0raft\xff", 6}},
    leader_notice{{4}, {9}, false, {{1}, {3}}},
    answers(),
    remote::join_room{room, {2}, 77},
    remote::leave_room{room},
    remote::ask_streams{room, {1}, 78},
    remote::watch_tenant{{3}, {"acme"}, false},
    remote::room_events{batch()},
    room_joined_by{{2}, {room, {10}, {3}, 4, 77, {12}}},
    streams{{1}, {room, 78, {snapshot}}},
    room_gone{room},
    state_description{{3}, {4}, "described", true},
    state_wanted{{3}, {4}, 17, true},
    state_chunk{{3}, {4}, 18, std::string(300, 'r')},
    state_digest{{3}, {999}, 0xfeedfacecafebeef},
    map_notice{"map bytes"},
    directory_request{5, R"({"change":"rebalance"})"},
    directory_answer{5, std::string{"{}"}},
    directory_answer{6, tl::unexpected<problem>{why}},
    node_report_request{7},
    node_report{7, R"({"shards":[]})"},
    admin_call{8, find_actors{{"acme"}, "run", 9, "c"}},
    admin_call{8, inspect_actor{{"acme"}, "run", "r"}},
    admin_call{8, inspect_storage{{"acme"}}},
    admin_call{8, inspect_cluster{}},
    admin_call{8, cluster_order{cluster_order::what::transfer, "n2", 5}},
    admin_call{8, find_sessions{{"acme"}, 7, "n1:5"}},
    admin_call{8, end_session{{"acme"}, "n1:6"}},
    admin_answer{8, std::string{"[]"}},
    admin_answer{9, tl::unexpected<problem>{why}},
    disk_notice{6},
  };
  for (auto& body : bodies())
    out.emplace_back(call{{6}, 41, std::move(body)});
  return out;
}

} // namespace callboard::test
