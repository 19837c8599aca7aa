// Anything may come in as an event. Besides not crashing: what is accepted can
// be decided, written as a frame, read again, and means the same.

#include "actors/model/event.hpp"
#include "actors/model/run_machine.hpp"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

namespace {

using namespace callboard;

void require(bool condition, const char* what, std::string_view text) {
  if (condition)
    return;
  std::fprintf(stderr, "%s: %.*s\n", what, static_cast<int>(text.size()),
               text.data());
  std::abort();
}

/// Visits every value, as far as the interface reaches.
std::size_t walk(json::value x) {
  std::size_t count = 1 + x.raw().size();
  if (x.is(json::kind::string)) {
    json::document again;
    auto text = json::quoted(x.string());
    require(again.reset(text) && again.root().string() == x.string(),
            "a string changes when quoted again", x.raw());
  }
  count += x.integer().has_value() + x.real().has_value();
  for (auto item : x.items())
    count += walk(item);
  for (auto [key, val] : x.members())
    count += walk(key) + walk(val);
  return count;
}

void check_frame(const std::string& frame, const event_draft& draft) {
  json::document doc;
  require(doc.reset(frame).has_value(), "a frame is not JSON", frame);
  auto root = doc.root();
  require(root.find("type")->raw().substr(1).starts_with(draft.type_name),
          "a frame has another type", frame);
  require(root.find("id")->string() == draft.id.value, "a frame has another id",
          frame);
  if (draft.type == event_type::custom && !draft.data.empty())
    require(root.find("data")->raw() == draft.data, "custom data has changed",
            frame);
}

void check_draft(const event_draft& draft, const room_key& room) {
  constexpr std::int64_t now = 1'767'323'045'678;
  if (draft.delivery == event_delivery::ephemeral) {
    check_frame(ephemeral_frame(draft, room, now), draft);
    std::string text;
    append_stream_chunk(text, draft.data, 16);
    json::document doc;
    text = "\"" + text + "\"";
    require(doc.reset(text).has_value(), "a stream was cut wrongly", text);
    return;
  }
  if (draft.run.empty()) {
    check_frame(frame_text({1}, decide_room_event(draft, room, now).tail),
                draft);
    return;
  }
  run_machine machine;
  auto record = machine.decide(draft, room, now);
  if (!record)
    return;
  check_frame(frame_text({1}, record->tail), draft);
  require(record->type_name() == draft.type_name, "the type's place is wrong",
          record->tail);
  field_map fields;
  require(fields.merge(record->body()).has_value(), "the body's place is wrong",
          record->tail);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  auto source = std::make_shared<const std::string>(
    reinterpret_cast<const char*>(data), size);
  json::document doc;
  if (auto ok = doc.reset(*source); !ok) {
    require(!ok.error().detail.empty(), "a refusal without words", *source);
    return 0;
  }
  walk(doc.root());
  room_key room{{"tenant"}, {"p1"}};
  auto draft = parse_event(doc.root(), source, room.project, {});
  if (draft)
    check_draft(*draft, room);
  else
    require(!draft.error().detail.empty(), "a refusal without words", *source);
  return 0;
}
