#include "actors/call_slots.hpp"

#include "actors/model/json.hpp"
#include "actors/node_context.hpp"

#include <utility>

namespace callboard {

namespace {

/// The event that defines (or, without fields, deletes) a definition, and what
/// the caller is answered.
struct definition_event {
  std::string event;
  std::string answer;
};

result<definition_event> make_definition(const definition_request& x) {
  definition_event made;
  std::string changes = "{\"deleted\":true}";
  if (!x.fields.empty()) {
    auto parsed = json::document::parse(x.fields);
    if (!parsed)
      return tl::unexpected{parsed.error()};
    auto fields = parsed->root();
    if (!fields.is(json::kind::object))
      return fail(errc::invalid,
                  "a definition is a JSON object {name, phases}");
    auto name = fields.find("name");
    if (name && !name->is(json::kind::string))
      return fail(errc::invalid, "'name' must be a string", "/name");
    auto phases = fields.find("phases");
    if (phases && !phases->is(json::kind::array))
      return fail(errc::invalid, "'phases' must be an array", "/phases");
    changes = "{\"name\":";
    changes += name ? std::string{name->raw()} : json::quoted(x.id.value);
    changes += ",\"phases\":";
    changes += phases ? phases->raw() : "[]";
    for (auto member : fields.members()) {
      auto key = member.key.string();
      if (key == "name" || key == "phases" || key == "id" || key == "deleted")
        continue;
      changes += ',';
      changes += member.key.raw();
      changes += ':';
      changes += member.val.raw();
    }
    changes += '}';
    made.answer
      = "{\"id\":" + json::quoted(x.id.value) + ',' + changes.substr(1);
  }
  made.event
    = "{\"type\":\"workflow:definition:updated\",\"data\":{\"project_id\":"
      + json::quoted(x.room.project.value) + ",\"definition_id\":"
      + json::quoted(x.id.value) + ",\"changes\":" + changes + "}}";
  return made;
}

} // namespace

slot_ptr make_slot(const reply_address& to, publish_request x) {
  auto s = std::make_shared<slot>();
  s->to = to;
  s->room = x.room;
  s->began_us = steady_us();
  s->bytes = x.bytes;
  s->request = std::make_shared<publish_request>(std::move(x));
  return s;
}

slot_ptr make_slot(const reply_address& to, command_request x) {
  auto s = std::make_shared<slot>();
  s->kind = slot::what::command;
  s->to = to;
  s->room = std::move(x.room);
  s->began_us = steady_us();
  s->bytes = x.arguments.fields.size() + x.arguments.value.size() + 256;
  s->command
    = std::make_shared<const command_arguments>(std::move(x.arguments));
  return s;
}

result<slot_ptr> make_slot(const reply_address& to, definition_request x) {
  auto made = make_definition(x);
  if (!made)
    return tl::unexpected{std::move(made.error())};
  auto source = std::make_shared<const std::string>(std::move(made->event));
  auto parsed = json::document::parse(*source);
  if (!parsed)
    return tl::unexpected{std::move(parsed.error())};
  auto draft = parse_event(parsed->root(), source, x.room.project, {});
  if (!draft)
    return tl::unexpected{std::move(draft.error())};
  auto s = std::make_shared<slot>();
  s->kind = slot::what::define;
  s->to = to;
  s->room = x.room;
  s->began_us = steady_us();
  s->bytes = source->size();
  s->definition_json = std::move(made->answer);
  s->request = std::make_shared<publish_request>();
  s->request->room = x.room;
  s->request->items.emplace_back(std::move(*draft));
  s->definition = std::make_shared<const definition_request>(std::move(x));
  return s;
}

} // namespace callboard
