#include "storage/state_queries.hpp"

#include "storage/json_writer.hpp"
#include "storage/state_keys.hpp"

namespace callboard::queries {

namespace {

struct dispatcher {
  const state_view& at;
  const placement& shard_of;

  result<std::string> operator()(const query::list_runs& q) const {
    return list_runs(at, q, shard_of(q.room));
  }
  result<std::string> operator()(const query::run_detail& q) const {
    return run_detail(at, q, shard_of(q.room));
  }
  result<std::string> operator()(const query::run_page& q) const {
    return run_page(at, q, shard_of(q.room));
  }
  result<std::string> operator()(const query::list_definitions& q) const {
    return list_definitions(at, q, shard_of(q.room));
  }
  result<std::string> operator()(const query::definition& q) const {
    return definition(at, q, shard_of(q.room));
  }
  result<std::string> operator()(const query::list_projects& q) const {
    return list_projects(at, q, shard_of);
  }
  result<std::string> operator()(const query::room_events& q) const {
    return room_events(at, q, shard_of(q.room));
  }
  result<std::string> operator()(const query::find_run& q) const {
    return find_run(at, q);
  }
  result<std::string> operator()(const query::run_phases& q) const {
    return run_phases(at, q, shard_of(q.room));
  }
};

/// Whether the object `raw` may have a member "seq": certain only when false.
bool may_have_seq(std::string_view raw) noexcept {
  return raw.find("\"seq\"") != std::string_view::npos
         || raw.find("\\u") != std::string_view::npos;
}

bool has_seq(std::string_view raw) {
  if (!may_have_seq(raw))
    return false;
  auto parsed = json::document::parse(raw);
  return parsed && parsed->root().find("seq").has_value();
}

} // namespace

result<std::string> answer(const state_view& at, const query::any& q,
                           const placement& shard_of) {
  return std::visit(dispatcher{at, shard_of}, q);
}

result<void> check_run(const state_view& at, shard_id shard,
                       keys::room_ref room, std::string_view run) {
  rocksdb::PinnableSlice ignored;
  auto found
    = at.get(family::rows,
             keys::run_rows(shard, room, run, keys::run_part::tally), ignored);
  if (!found)
    return tl::unexpected{found.error()};
  if (!*found)
    return fail(errc::not_found, "no run \"" + std::string{run}
                                   + "\" in project \""
                                   + std::string{room.project} + "\"");
  return {};
}

result<std::optional<field_map>> definition_fields(const state_view& at,
                                                   shard_id shard,
                                                   keys::room_ref room,
                                                   std::string_view id) {
  if (id.empty())
    return std::nullopt;
  auto key = keys::definitions(shard, room).append(id);
  rocksdb::PinnableSlice value;
  auto found = at.get(family::rows, key, value);
  if (!found)
    return tl::unexpected{found.error()};
  if (!*found)
    return std::nullopt;
  return rows::decode_fields(view(value));
}

std::string workflow_definition(const std::optional<field_map>& definition,
                                std::string_view workflow_name) {
  if (!definition && workflow_name.empty())
    return "null";
  std::string out = "{";
  json_writer members{out};
  if (definition) {
    auto* name = rows::set_field(*definition, "name");
    auto* phases = rows::set_field(*definition, "phases");
    members.raw("name", name != nullptr ? *name : std::string_view{});
    members.raw("phases", phases != nullptr ? std::string_view{*phases} : "[]");
  } else {
    members.raw("name", workflow_name);
    members.raw("phases", "[]");
  }
  out.push_back('}');
  return out;
}

void append_event(std::string& out, event_seq seq, std::string_view body) {
  if (has_seq(body)) {
    out.append(body);
    return;
  }
  out.append("{\"seq\":");
  json::append_number(out, seq.value);
  auto members = body.substr(body.find('{') + 1);
  auto empty = members.find_first_not_of(" \t\r\n}") == std::string_view::npos;
  out.append(empty ? "" : ",").append(members);
}

void end_page(std::string& out, std::string_view next_cursor) {
  out.push_back(']');
  if (!next_cursor.empty()) {
    out.append(",\"next_cursor\":");
    json::append_quoted(out, next_cursor);
  }
  out.push_back('}');
}

} // namespace callboard::queries
